"""Loops of posterior means and of points, against manifolds whose loops are known."""

import sys

import numpy as np
import pytest
import xarray as xr

from analysis.measures.persistence import bars, persistence
from analysis.report.inputs import Known
from analysis.report.sections.topology import closure
from analysis.store import Missing

N = 1000


def angles(seed, count=1, width=2 * np.pi):
    return np.random.default_rng(seed).uniform(0, width, (N, count))


def circle(seed, centre=0.0, noise=0.1):
    points = np.concatenate([np.cos(angles(seed)), np.sin(angles(seed))], 1)
    return centre + points + noise * np.random.default_rng(seed + 1).normal(size=points.shape)


def directions(seed):
    points = np.random.default_rng(seed).normal(size=(N, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def tree_of(values, names, kinds):
    factors = [name.rpartition("_")[0] for name in names]
    labels = {"coordinate": names, "factor": ("coordinate", factors), "kind": ("coordinate", kinds)}
    point = xr.DataArray(values, labels, ("jet", "coordinate"))
    return xr.DataTree.from_dict({"guide_params": xr.Dataset({"point": point})})


CLOUDS = {
    "circle": (circle, 1),
    "two circles": (lambda seed: np.concatenate([circle(seed), circle(seed + 9, centre=4.0)]), 2),
    "torus": (lambda seed: np.concatenate([np.cos(angles(seed, 2)), np.sin(angles(seed, 2))], 1), 2),
    "sphere": (directions, 0),
    "line": (lambda seed: np.random.default_rng(seed).normal(size=(N, 1)) * [1.0, 0.5], 0),
    "square": (lambda seed: np.random.default_rng(seed).uniform(size=(N, 2)), 0),
    "cube": (lambda seed: np.random.default_rng(seed).uniform(size=(N, 3)), 0),
}
NONE = tree_of(np.zeros((N, 1)), ["R1_0"], ["real"])


@pytest.mark.parametrize("name", CLOUDS)
def test_loops_of_points(name):
    """Betti numbers; three samples of each, so that a rate of errors above one half would be seen (p < 0.13)."""
    pytest.importorskip("ripser")
    make, count = CLOUDS[name]
    assert [int(persistence(NONE, make(seed))["found"].item()) for seed in range(3)] == [count] * 3


def test_posterior_means():
    """A filled circle is closed, one with a gap of a sixth is not; a sphere has no loop, a torus two."""
    pytest.importorskip("ripser")
    values = np.concatenate([angles(0), angles(1, width=5.2), angles(2, 2), directions(3), angles(4)], 1)
    labels = ["S1_0", "S1b_0", "T2_0", "T2_1", "S2_0", "S2_1", "S2_2", "R1_0"]
    tree = tree_of(values, labels, ["angle"] * 4 + ["direction"] * 3 + ["real"])
    table = persistence(tree)
    assert list(table["name"].values) == ["S1", "S1b", "T2", "S2"]
    assert list(table["expected"].values) == [1, 1, 2, 0]
    assert list(table["found"].values) == [1, 0, 2, 0]
    part = closure(Known("run", {"tree": tree}))
    assert part.reading.startswith("The posterior means close 1 loop of 1 on S1, 0 loops of 1 on S1b")
    assert part.warning


def test_an_arc_has_no_loop_to_draw():
    pytest.importorskip("ripser")
    part = closure(Known("run", {"tree": tree_of(angles(0, width=1.0), ["S1_0"], ["angle"])}))
    assert part.reading.startswith("The posterior means close 0 loops of 1 on S1:")
    assert part.figure is None


def test_what_is_missing(monkeypatch):
    with pytest.raises(Missing, match="no latent is a circle"):
        persistence(NONE)
    assert closure(Known("run", {"tree": NONE})) is None
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(Missing, match=r"pip install .*homology"):
        bars(circle(0))
