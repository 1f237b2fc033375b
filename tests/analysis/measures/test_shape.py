"""The shape of points on manifolds whose dimension, Betti numbers and sides are known."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from analysis.measures.shape import landmarks, shape, smoothed
from analysis.measures.signature import PRESENT, allowed
from analysis.measures.topology import ORDER
from analysis.store import Missing
from benchmarks.topology_manifolds import drawn

KNOWN = {
    "horseshoe": ({1}, [1, 0, 0], True),
    "circles linked": ({1}, [2, 2, 0], True),
    "figure eight": ({1}, [1, 2, 0], True),
    "normal plane": ({2}, [1, 0, 0], True),
    "annulus": ({2}, [1, 1, 0], True),
    "Moebius strip": ({2}, [1, 1, 0], False),
    "torus": ({2}, [1, 2, 1], True),
    "Klein bottle": ({2}, [1, 2, 1], False),
    "sphere": ({2}, [1, 0, 1], True),
    "curve and plane": ({1, 2}, [1, 0, 0], True),
}


@pytest.mark.parametrize("name", KNOWN)
def test_dimension_holes_and_sides(name):
    """One sample in a warp of its own, in R^5 with noise of 0.03; all ten right by chance is out of the question."""
    pytest.importorskip("ripser")
    found = shape(drawn(name, 2000, 5, seed=7), 0.1)
    dimensions, betti, two_sides = KNOWN[name]
    assert {int(d) for d in found["dimension"].values[found["share"].values >= PRESENT]} == dimensions
    assert found["betti"].values.tolist() == betti
    assert bool(found["orientable"]) == two_sides
    assert found.attrs["judged"]


def test_points_too_sparse_for_holes_are_not_judged():
    """A normal cloud in eight dimensions: no candidate has so many, and nothing is said of holes."""
    found = shape(np.random.default_rng(0).normal(size=(1500, 8)), 0.1)
    assert not found.attrs["judged"]
    assert np.isnan(found["betti"]).all()
    assert allowed(found, [*ORDER, "R8"]) == ["R8"]


@pytest.mark.parametrize("stragglers", [1, 10])
def test_few_points_far_away_make_no_pieces(stragglers):
    """A line, and one point in a hundred far from it, alone or ten together."""
    pytest.importorskip("ripser")
    random = np.random.default_rng(1)
    line = np.pad(random.uniform(-2, 2, (1500, 1)), ((0, 0), (0, 4))) + 0.03 * random.normal(size=(1500, 5))
    far = np.repeat(10 * random.normal(size=(20 // stragglers, 5)), stragglers, 0)
    far += 0.03 * random.normal(size=far.shape)
    assert shape(np.concatenate([line, far]), 0.1)["betti"].values.tolist() == [1, 0, 0]


def test_a_piece_of_a_tenth_of_the_points_counts():
    pytest.importorskip("ripser")
    random = np.random.default_rng(1)
    line = random.uniform(-2, 2, (1500, 1))
    both = np.concatenate([line, random.uniform(5, 6, (150, 1))])
    assert shape(np.pad(both, ((0, 0), (0, 1))), 0.1)["betti"].values.tolist() == [2, 0, 0]


@pytest.mark.parametrize(("clusters", "pieces"), [(1, 1), (30, 30)])
def test_clusters_smaller_than_the_resolution(clusters, pieces):
    pytest.importorskip("ripser")
    random = np.random.default_rng(3)
    points = np.repeat(5 * random.permutation(np.mgrid[:6, :6].reshape(2, -1).T)[:clusters], 600 // clusters, 0)
    found = shape(points + 0.03 * random.normal(size=points.shape), 0.1)
    assert found["betti"].values.tolist() == [pieces, 0, 0]


def test_noise_of_three_fifths_of_the_resolution(monkeypatch):
    pytest.importorskip("ripser")
    monkeypatch.setattr("benchmarks.topology_manifolds.NOISE", 0.06)
    assert allowed(shape(drawn("cylinder", 2000, 5, seed=8), 0.1), ORDER) == ["S1 x R1"]


def test_averages_and_landmarks_as_by_hand():
    points = np.random.default_rng(2).normal(size=(700, 3))
    weight = np.exp(-(cdist(points, points) ** 2) / (2 * 0.3**2))
    found, dense = smoothed(points, 0.3)
    assert np.allclose(found, weight @ points / weight.sum(1, keepdims=True))
    assert (dense == ((cdist(points, points) <= 0.9).sum(1) > 5)).all()
    chosen, cover = landmarks(points, 0.8)
    assert cover == pytest.approx(cdist(points, points[chosen]).min(1).max())
    assert cover <= 0.8


def test_what_is_missing(monkeypatch):
    with pytest.raises(Missing, match="shape of 50 points cannot be judged"):
        shape(np.zeros((50, 2)), 1.0)
    with pytest.raises(Missing, match="shape of points that coincide"):
        shape(np.zeros((300, 2)), 1.0)
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(Missing, match=r"pip install .*homology"):
        shape(np.random.default_rng(0).uniform(size=(300, 1)), 0.1)
