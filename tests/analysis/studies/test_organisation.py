"""The measured cost of a turned code against its closed form, of a model that nobody trained."""

import numpy as np
import pytest
import torch

from analysis.measures.organisation import rotation_cost
from analysis.studies.organisation import objective
from jets.toys import rotation
from models import ModelConfig, build


@torch.no_grad()
@pytest.mark.parametrize("seed", range(3))
def test_turned_code_costs_what_its_precision_says(seed):
    """Small points are decoded to near themselves: 8 draws of each of 4,000 leave an error below 0.01 nat."""
    torch.manual_seed(seed)
    vae = build(ModelConfig(latent="R3", encoder=(), decoder=(), likelihood="normal", beta=0.02, inputs=4), 0)
    x, turn = 0.004 * torch.randn(4000, 4), rotation(3, np.random.default_rng(seed))
    for name, parameter in vae.named_parameters():
        parameter *= not name.endswith("bias")
    basis = vae.decode(torch.eye(3)).mean - vae.decode(torch.zeros(1, 3)).mean
    precision = (torch.eye(3) + basis @ basis.T / 0.02**2).numpy()
    turned, straight = (objective(vae, x, basis, matrix) for matrix in (turn, np.eye(3)))
    expected = rotation_cost(precision, turn) - rotation_cost(precision, np.eye(3))
    assert abs(expected) > 0.05
    assert turned - straight == pytest.approx(expected, abs=0.01)
