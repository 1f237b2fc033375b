"""The peer of a training for a range is what its paper says, and learns what has a closed form."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from benchmarks import dimension, multi_rate
from inference.recipe import read

RECIPE = read(
    "vae-gaussian", {"model.beta": [0.2, 8.0], "training.epochs": 60, "training.batch_size": 100, "model.latent": "R1"}
)


def test_a_gaussian_direction_is_told_as_cheaply_as_can_be():
    """Objective of a direction of size S: max(0, ln S / beta) + min(1, (S / beta)^2) / 2."""
    x = torch.as_tensor(np.random.default_rng(1).normal(scale=2, size=(2000, 1)), dtype=torch.float32)
    vae = multi_rate.trained(RECIPE, x, 1, 1e-2, balance=True)
    betas = [0.5, 1.0, 3.0, 6.0]
    found = multi_rate.objective(vae, x, betas).mean(1)
    ratio = float(x.std()) / np.array(betas)
    least = np.log(ratio).clip(0) + np.minimum(1, ratio**2) / 2
    assert found == pytest.approx(least, abs=0.08)


def test_gates_close_where_beta_is_large_and_the_kl_is_that_of_normals():
    layer = multi_rate.Gated(3, 4, decodes=True)
    with torch.no_grad():
        layer.response.weight.fill_(1.0)
        layer.response.bias.fill_(0.0)
    x, place = torch.randn(5, 3), torch.tensor([-30.0, -1.0, 0.0, 1.0, 9.0])[:, None]
    gate = (layer(x, place) / layer.linear(x))[:, 0]
    assert gate.tolist() == pytest.approx([1.0, (1 - np.exp(-1)) ** 0.5, 0.0, 0.0, 0.0], abs=2e-6)
    vae = multi_rate.MultiRateVAE(RECIPE, 1, 1, 2.0)
    points, beta = torch.randn(7, 1), torch.full((7,), 0.7)
    place = ((beta.log() - vae.middle) / vae.reach)[:, None]
    mean, log_variance = (stack(points / 2.0, place) for stack in (vae.mean, vae.log_variance))
    exact = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(-1)
    assert vae.bounds(points, beta).kl.tolist() == pytest.approx(exact.tolist(), rel=1e-4, abs=1e-6)


def test_both_side_by_side(capsys, monkeypatch):
    monkeypatch.setattr(multi_rate, "RATES", (1e-2,))
    words = ["vae-gaussian", "--data", "toy:gaussian(spectrum=4,1, n=400)", "--epochs", "2", "--mrvae", "--seeds", "1"]
    dimension.main(words)
    said = capsys.readouterr().out
    assert "Multi-Rate VAE at its best" in said
    assert len(said.splitlines()) == 3 + dimension.POINTS
