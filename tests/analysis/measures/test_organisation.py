"""What turned and disordered codes cost, against integrals done otherwise."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from analysis.measures.organisation import disorder_cost, plane_rotation, rotation_cost
from jets.toys import rotation


@pytest.mark.parametrize("seed", range(3))
def test_turned_code_costs_the_kl_of_the_best_product_of_normals(seed):
    turn, precision = rotation(3, np.random.default_rng(seed)), np.diag([16.0, 4.0, 1.0])
    exact = torch.from_numpy(turn @ precision @ turn.T)
    posterior = MultivariateNormal(torch.zeros(3).double(), precision_matrix=exact)
    log_width = (torch.zeros(3).double()).requires_grad_()
    optimiser = torch.optim.LBFGS([log_width], max_iter=100)

    def cost():
        optimiser.zero_grad()
        product = MultivariateNormal(torch.zeros(3).double(), torch.diag((2 * log_width).exp()))
        loss = kl_divergence(product, posterior)
        loss.backward()
        return loss

    optimiser.step(cost)
    assert rotation_cost(precision, turn) == pytest.approx(float(cost().detach()), abs=1e-6)


def test_axes_of_equal_size_may_be_turned():
    assert rotation_cost(np.eye(4) * 7, rotation(4, np.random.default_rng(0))) == pytest.approx(0, abs=1e-12)
    turned = [rotation_cost(np.diag([9.0, 4.0, 1.0]), plane_rotation(3, 0, 2, angle)) for angle in (0, np.pi / 2)]
    assert turned == pytest.approx([0, 0], abs=1e-12)
    halfway = rotation_cost(np.diag([9.0, 4.0, 1.0]), plane_rotation(3, 0, 2, np.pi / 4))
    assert halfway == pytest.approx(np.log(5) - np.log(3))  # both have the mean precision, (9 + 1) / 2


@pytest.mark.parametrize("pieces", [2, 16, 128])
def test_disorder_costs_what_lies_in_other_pieces(pieces):
    """By draws of the posterior and their pieces; the error of 300 points of 20,000 draws is below 0.02 nat."""
    random, beta = np.random.default_rng(0), 0.02
    found = []
    for x in random.random(300):
        near = x + beta * random.normal(size=20_000)
        inside = near[(near > 0) & (near < 1)]
        found.append(-np.log(np.bincount((inside * pieces).astype(int)).max() / len(inside)))
    assert disorder_cost(pieces, beta) == pytest.approx(np.mean(found), abs=3 * np.std(found) / 300**0.5 + 0.005)


def test_many_pieces_cost_their_logarithm():
    assert disorder_cost(2**14, 0.02) == pytest.approx(np.log(np.sqrt(2 * np.pi) * 0.02 * 2**14), abs=0.02)
