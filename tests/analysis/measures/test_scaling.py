"""Points from distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from analysis.measures.scaling import MOST, scaled

RANDOM = np.random.default_rng(0)


def test_euclidean_distances_are_kept():
    points = RANDOM.normal(size=(80, 4)) * [5, 3, 2, 1]
    found = scaled(cdist(points, points), 0.1)
    assert found.points.shape == (80, 4)
    assert cdist(found.points, found.points) == pytest.approx(cdist(points, points), abs=1e-6)
    assert found.stress == pytest.approx(0, abs=1e-6)
    assert found.correlation == pytest.approx(1)


def test_components_are_principal_ones_and_narrow_ones_are_left_out():
    points = RANDOM.normal(size=(300, 3)) * [5, 3, 0.2]
    found = scaled(cdist(points, points), 1.0)
    widths = np.sqrt(np.linalg.eigvalsh(np.cov(points, rowvar=False, bias=True)))[::-1]
    assert found.points.std(0) == pytest.approx(widths[:2])
    assert 0 < found.stress < 0.4


def test_at_least_one_component_and_not_too_many():
    points = RANDOM.normal(size=(100, 30))
    distances = cdist(points, points)
    assert scaled(distances, 1e9).points.shape == (100, 1)
    assert scaled(distances, 0.0).points.shape == (100, MOST)
