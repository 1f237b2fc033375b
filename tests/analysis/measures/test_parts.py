"""Points that are parted by what tells them apart."""

import sys

import numpy as np
import pytest

from analysis.measures.parts import by_dimension, partitions, pieces, two_normals
from analysis.measures.shape import smoothed
from analysis.store import Missing

RANDOM = np.random.default_rng(0)


def line(n, at):
    return np.c_[RANDOM.uniform(-1, 1, n), np.zeros(n), np.full(n, at)]


def square(n, at):
    return np.c_[RANDOM.uniform(-1, 1, (n, 2)), np.full(n, at)]


def agreement(label, truth):
    """Share of points on the right side, whichever is called which."""
    share = (label == truth).mean()
    return max(share, 1 - share)


def test_two_lines_are_two_pieces():
    points, truth = np.concatenate([line(600, 0), line(300, 1)]), np.repeat([0, 1], [600, 300])
    points += 0.02 * RANDOM.normal(size=points.shape)
    label = pieces(*smoothed(points, 0.05), 0.05)
    assert agreement(label, truth) == 1.0
    assert len(np.unique(label)) == 2


def test_a_line_through_a_square_has_another_dimension():
    points = np.concatenate([line(600, 0)[:, [2, 1, 0]], square(900, 0)])
    points += 0.02 * RANDOM.normal(size=points.shape)
    smooth, _ = smoothed(points, 0.05)
    assert agreement(by_dimension(smooth, 0.05), np.repeat([0, 1], [600, 900])) > 0.9


def test_one_line_is_one_piece_of_one_dimension():
    points = line(900, 0) + 0.02 * RANDOM.normal(size=(900, 3))
    smooth, dense = smoothed(points, 0.05)
    assert not pieces(smooth, dense, 0.05).any()
    assert not by_dimension(smooth, 0.05).any()


def test_two_normals_are_found_whatever_the_unit():
    pytest.importorskip("sklearn")
    points = RANDOM.normal(size=(1000, 3))
    points[500:, 0] += 6
    for unit in (1e-3, 1.0, 1e4):
        assert agreement(two_normals(unit * points), np.repeat([0, 1], 500)) > 0.98


def test_small_parts_are_left_out():
    pytest.importorskip("sklearn")
    points = np.concatenate([line(900, 0), line(40, 3)]) + 0.02 * RANDOM.normal(size=(940, 3))
    assert "pieces" not in partitions(points, 0.05)


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(Missing, match="baselines"):
        two_normals(RANDOM.normal(size=(50, 2)))
