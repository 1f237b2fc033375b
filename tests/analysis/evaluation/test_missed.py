"""Residuals of a model by hand: one that tells nothing lacks what the Gaussian has; images and clouds say nothing."""

import numpy as np
import pytest
import torch

from analysis.evaluation.missed import missed
from models import ModelConfig, build


@pytest.fixture
def silent():
    """A model of five numbers that decodes the origin whatever the latents are."""
    torch.manual_seed(0)
    config = ModelConfig(latent="R2", likelihood="normal", inputs=5, encoder=(), decoder=(), beta=(0.1, 2.0))
    vae = build(config).eval()
    for parameter in vae.decoder.parameters():
        torch.nn.init.zeros_(parameter)
    return vae


def test_what_is_not_told(silent):
    """Points of width 0.4 along one axis at beta = 0.1: ln 4 are lacking; at beta = 0.5 nothing is."""
    random = np.random.default_rng(0)
    points = torch.zeros(1000, 5)
    points[:, 2] = torch.as_tensor(0.4 * random.normal(size=1000))
    gain, nats = missed(silent, points.split(400), 0.1)
    assert nats == pytest.approx(np.log(4), rel=0.05)
    assert gain == pytest.approx((16 - 1 - np.log(16)) / 2, rel=0.1)
    assert missed(silent, [points], 0.5) == (0, 0)


def test_many_numbers_and_images_say_nothing():
    vae = build(ModelConfig(latent="R2", encoder=(4,), decoder=(4,)), 16).eval()
    assert np.isnan(missed(vae, [torch.full((10, 16), 1 / 16)], 0.1)).all()
    wide = build(ModelConfig(latent="R2", likelihood="normal", inputs=65, encoder=(), decoder=())).eval()
    assert np.isnan(missed(wide, [torch.randn(100, 65)], 0.1)).all()
