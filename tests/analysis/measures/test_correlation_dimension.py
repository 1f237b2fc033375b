"""Correlation dimension on samples whose dimension is known, and of jets."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from analysis.measures.correlation_dimension import correlation_dimension, takens_dimension
from jets import toys


def estimate(d, number, seed):
    return takens_dimension(pdist(toys.ball(d, number, seed).points))[0]


def matrix(points):
    return squareform(pdist(points))


@pytest.mark.parametrize("d", range(1, 9))
def test_uniform_balls(d):
    """Within 10 % up to eight dimensions with 2,000 points: the estimate's own error is 2 % (2,000 pairs)."""
    estimates = [estimate(d, 2000, seed) for seed in range(3)]
    assert np.mean(estimates) == pytest.approx(d, rel=0.1)


def test_the_bias_of_high_dimensions_needs_more_points():
    """At d = 12 the boundary hides a tenth of the dimension from 2,000 points."""
    assert np.mean([estimate(12, 2000, seed) for seed in range(3)]) < 0.93 * 12


@pytest.mark.parametrize("d", [1, 2, 4])
def test_slopes_and_their_errors(d):
    scales = np.array([0.1, 0.15, 0.2])
    found = [correlation_dimension(matrix(toys.ball(d, 800, seed).points), scales, bootstrap=20) for seed in range(20)]
    slopes = np.array([one.dimension for one in found])
    assert slopes.mean(0) == pytest.approx(np.full(2, d), rel=0.15)
    ratio = np.mean([one.error for one in found], 0) / slopes.std(0, ddof=1)
    assert ((ratio > 0.6) & (ratio < 2)).all()


def test_dimension_depends_on_scale():
    """A thin ribbon is a surface from nearby and a line from afar."""
    points = np.random.default_rng(0).random((2000, 2)) * np.array([1.0, 0.02])
    found = correlation_dimension(matrix(points), np.array([0.002, 0.004, 0.1, 0.2]))
    assert found.dimension[0] == pytest.approx(2, abs=0.25)
    assert found.dimension[2] == pytest.approx(1, abs=0.15)


def test_copies_of_points_and_empty_scales():
    points = np.repeat(toys.ball(2, 100).points, 2, axis=0)
    assert np.isfinite(takens_dimension(matrix(points), 400)[0])
    found = correlation_dimension(matrix(toys.ball(2, 50).points), np.array([1e-6, 1e-5, 0.5, 1.0]), bootstrap=5)
    assert np.isnan(found.dimension[0])
    assert np.isfinite(found.dimension[2])


@pytest.mark.parametrize("distances", [np.zeros((1, 1)), np.zeros((9, 9)), 1 - np.eye(5), np.zeros(0)])
def test_points_without_distances_have_no_dimension(distances):
    assert np.isnan(takens_dimension(distances)).all()


@pytest.mark.parametrize(
    ("distances", "scales", "message"),
    [
        (np.zeros((3, 4)), [1, 2], "square"),
        (np.zeros((3, 3)), [1], "at least two"),
        (np.zeros((3, 3)), [2, 1], "increasing"),
        (np.zeros((3, 3)), [np.nan, 1], "increasing"),
        (np.zeros((3, 3)), [1, np.inf], "finite"),
        (np.zeros((1, 1)), [1, 2], "at least two members"),
        (np.full((3, 3), np.nan), [1, 2], "must be numbers"),
    ],
)
def test_bad_input(distances, scales, message):
    with pytest.raises(ValueError, match=message):
        correlation_dimension(distances, scales)
