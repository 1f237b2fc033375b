"""Convolutional networks: shapes, dead space, and what a mixture decoder keeps."""

import pytest
import torch

import inference
from inference.recipe import DataConfig
from inference.splits import split
from inference.training import train_many
from models import ModelConfig, build


@pytest.mark.parametrize("pixels", [40, 25])
@pytest.mark.parametrize(("latent", "decoder"), [("R2", (8, 4)), ("L3", ()), ("C2 x R1", (4,))])
def test_convolutional_networks_fit_any_image_and_latent(pixels, latent, decoder):
    config = ModelConfig(latent=latent, architecture="convolutional", encoder=(4, 8), decoder=decoder, batch_norm=True)
    vae = build(config, pixels**2)
    x = torch.rand(6, pixels**2).softmax(-1)
    bound = inference.elbo(vae.model, vae.guide, x)
    assert bound.elbo.shape == (6,)
    assert bound.elbo.isfinite().all()
    bound.objective.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vae.parameters())


def test_a_shift_by_the_stride_shifts_the_features():
    """What makes it convolutional: moved by 2**layers pixels, the inner feature map moves by one."""
    encoder = build(ModelConfig(architecture="convolutional", encoder=(4, 8)), 1600).encoder
    image = torch.zeros(1, 1, 40, 40)
    image[..., 18:24, 16:21] = torch.rand(6, 5)
    before, after = (encoder.convolutions(x)[..., 2:8, 2:8] for x in (image, image.roll(4, -1)))
    torch.testing.assert_close(before[..., :-1], after[..., 1:])


def test_convolutional_replicas_train_in_one_step(tmp_path):
    short = {"training.epochs": 3, "data.limit": 200}
    recipes = [inference.read("image-dvae", short | {"training.seed": s}, "convolutional") for s in range(2)]
    for run in train_many(recipes, [tmp_path / str(s) for s in range(2)]):
        assert run.history[-1]["loss"] < run.history[0]["loss"]


def test_limit_thins_before_fraction(sample):
    part = split(sample, DataConfig(limit=100, fraction={"top": 0.1}), seed=3)
    full = split(sample, DataConfig(), seed=3)
    assert sample[part.train].counts == {"qcd": 100, "top": 10}
    assert sample[part.validation].counts == {"qcd": round(40 * 100 / 360), "top": round(40 * 10 / 360)}
    assert (part.test == full.test).all()
    assert set(part.train) <= set(full.train)
