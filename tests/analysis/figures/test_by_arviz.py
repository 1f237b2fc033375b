"""What ArviZ draws of calibration, and units on what it draws of predictions."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures import by_arviz
from analysis.measures.containers import version_one

DRAWS = 99


def shares(count):
    """Ranks over their number of 300 simulated truths in coordinates, even in the first, small in the others."""
    rank = np.random.default_rng(0).integers(0, DRAWS + 1, (count, 300)) // np.arange(1, count + 1)[:, None]
    columns = {f"z_{k}": (("chain", "draw"), (row[None] + 0.5) / (DRAWS + 1)) for k, row in enumerate(rank)}
    return xr.Dataset(columns, {"chain": [0], "draw": np.arange(300)})


@pytest.mark.parametrize("count", [1, 3])
def test_ranks_of_simulated_truths(count):
    """A panel for each coordinate; the curve of even ranks stays near zero, that of small ones rises to its half."""
    figure = by_arviz.calibration(shares(count), DRAWS)
    assert [axes.get_title() for axes in figure.axes] == [f"z_{k}" for k in range(count)]
    if version_one():
        return
    largest = [float(np.abs(axes.lines[0].get_ydata()).max()) for axes in figure.axes]
    assert largest[0] < 0.08
    assert largest[1:] == pytest.approx([0.5, 2 / 3][: count - 1], abs=0.08)


def test_units_of_observables():
    figure = Figure()
    for axes, name in zip(figure.subplots(1, 3), ("width", "core", "other"), strict=True):
        axes.set_xlabel(name)
    observed = xr.Dataset({"width": ("jet", [1.0], {"units": "rad"}), "core": ("jet", [1.0], {"units": "1"})})
    by_arviz.with_units(figure, observed)
    assert [axes.get_xlabel() for axes in figure.axes] == ["width [rad]", "core", "other"]
