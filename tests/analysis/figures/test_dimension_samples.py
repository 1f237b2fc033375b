"""Several samples in one figure: read from their folders, drawn on one axis."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection

from analysis.figures.dimension import UNSURE
from analysis.figures.dimension_samples import dimension_samples
from jetvae.__main__ import main


@pytest.fixture
def curves():
    beta = np.geomspace(0.002, 0.06, 7)
    number = np.linspace(9, 0.2, 7)
    columns = {"D1": 1.05 * number, "D2": number, "D1_error": 0.1 * number, "D2_error": 0.1 * number}
    variables = {name: ("beta", value) for name, value in columns.items()} | {"consistent": ("beta", number > 0)}
    return xr.Dataset(variables, {"beta": beta}, {"scale": 600.0, "unit": "GeV", "power": 2})


def test_figure_of_samples(curves, tmp_path, capsys):
    for name in ("qcd", "w"):
        (tmp_path / name).mkdir()
        curves.to_netcdf(tmp_path / name / "dimension.nc", engine="h5netcdf")
    out = tmp_path / "both.png"
    assert main(["draw", "samples", *(f"{n}={tmp_path / n}" for n in ("qcd", "w")), "--out", str(out)]) == 0
    assert out.stat().st_size > 1000
    assert str(out) in capsys.readouterr().out
    above, below = dimension_samples({"qcd": curves, "w": curves}).axes
    np.testing.assert_allclose(above.lines[0].get_xdata()[[0, -1]], [1.2, 36])
    np.testing.assert_allclose(below.lines[0].get_ydata(), 1.05)
    assert len(below.lines[0].get_ydata()) == 6, "no ratio where nothing is told"


def test_refuses_what_is_no_folder_of_curves(tmp_path, capsys):
    assert main(["draw", "samples", f"qcd={tmp_path}"]) == 2
    assert "jetvae dimension RUN" in capsys.readouterr().err


def test_what_has_not_converged_is_grey(curves):
    """The parts of a curve on both sides of such a point, and one entry for all of them in the legend."""
    curves["consistent"][3] = False
    figure = dimension_samples({"qcd": curves, "w": curves})
    grey = [drawn for drawn in figure.axes[0].collections if isinstance(drawn, LineCollection)]
    assert [len(drawn.get_segments()) for drawn in grey] == [2] * 4
    assert [text.get_text() for text in figure.legends[0].get_texts()].count(UNSURE) == 1


def test_few_dimensions_have_lines_and_many_have_none(curves):
    few = curves.assign(D2=curves["D2"] / 3, D1=curves["D1"] / 3)
    known = [len(dimension_samples({"qcd": one}).axes[0].lines) for one in (curves, few)]
    assert known == [2, 6]
