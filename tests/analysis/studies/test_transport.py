"""Transport plans against a linear programme of scipy's."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from analysis.studies.transport import angles, plan_of
from jets.emd import emd


def clouds(seed, sizes=(4, 6)):
    random = np.random.default_rng(seed)
    return [np.c_[random.exponential(20, n), random.normal(0, 0.4, (n, 2))] for n in sizes]


def by_linprog(first, second):
    """The EMD [GeV]: any part of each may stay, the lesser total has to go."""
    n, m = len(first), len(second)
    at_most = np.r_[np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))].reshape(n + m, n * m)
    energies = np.r_[first[:, 0], second[:, 0]]
    total = [[1.0] * (n * m)], [min(first[:, 0].sum(), second[:, 0].sum())]
    found = linprog(angles(first, second).ravel(), at_most, energies, *total)
    return found.fun + abs(first[:, 0].sum() - second[:, 0].sum())


@pytest.mark.parametrize("seed", range(4))
def test_plan_is_a_least_one(seed):
    first, second = clouds(seed)
    plan = plan_of(first, second)
    pt = first[:, 0].sum(), second[:, 0].sum()
    assert plan.sum() == pytest.approx(min(pt))
    assert (plan.sum(1) <= first[:, 0] + 1e-9).all()
    assert (plan.sum(0) <= second[:, 0] + 1e-9).all()
    distance = (plan * angles(first, second)).sum() + abs(pt[0] - pt[1])
    assert distance == pytest.approx(by_linprog(first, second), rel=1e-6)
    pair = (torch.from_numpy(cloud)[None] for cloud in (first, second))
    assert distance == pytest.approx(float(emd(*pair, normalise=False, method="exact").value), rel=1e-6)


def test_one_particle_each_across_the_seam():
    first, second = np.array([[10.0, 0.0, 3.1]]), np.array([[4.0, 0.3, -3.1]])
    assert angles(first, second)[0, 0] == pytest.approx(np.hypot(0.3, 2 * np.pi - 6.2))
    assert plan_of(first, second) == pytest.approx(4.0)
