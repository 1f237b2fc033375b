"""The density without topology, against normals by scipy and an exact one."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from analysis.measures.kernel_density import log_density


def test_points_far_apart_are_normals():
    """Where neighbours do not reach one another, no point moves: an equal mixture of normals."""
    centres = 10.0 * np.arange(12).reshape(4, 3)
    at = centres[:2] + 0.3
    each = [multivariate_normal(centre, 0.25 * np.eye(3)).pdf(at) for centre in centres]
    assert np.allclose(log_density(centres, at, 0.5), np.log(np.mean(each, 0)))


@pytest.mark.parametrize("size", [1, 5])
def test_a_line_smeared_by_the_resolution(size):
    """A normal line in R^size: a model that smears it by beta has a known density; this one is 0.00 to 0.05 lower."""
    random, beta = np.random.default_rng(size), 0.1
    along = np.ones(size) / size**0.5
    points = random.normal(size=(4000, 1)) * along + 0.02 * random.normal(size=(4000, size))
    exact = multivariate_normal(np.zeros(size), np.outer(along, along) + beta**2 * np.eye(size))
    gap = exact.logpdf(points[3000:]) - log_density(points[:3000], points[3000:], beta)
    assert -3 * gap.std() / len(gap) ** 0.5 < gap.mean() < 0.05
