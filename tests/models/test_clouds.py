"""Particle clouds: what the encoder must not see, what the decoder returns, and a short training with the metric."""

import pytest
import torch

import analysis
import inference
from inference.data import Clouds
from inference.recipe import ImageConfig, read
from models import ModelConfig, build
from models.clouds import HEADS, CloudDecoder, CloudEncoder, SelfAttention


@pytest.fixture
def clouds(sample):
    return Clouds(sample[:20], ImageConfig(steps=("centre",)), torch.device("cpu"))[torch.arange(20)]


def test_weights_sum_to_one(clouds):
    torch.testing.assert_close(clouds[..., 0].sum(-1), torch.ones(20))


@pytest.mark.parametrize("attention", [0, 2])
def test_encoder_sees_neither_order_nor_the_turn_of_azimuth(clouds, attention):
    torch.manual_seed(0)
    encode = CloudEncoder((16, 16), 4, attention=attention)
    expected = encode(clouds)
    torch.testing.assert_close(encode(clouds.flip(1)), expected, rtol=1e-4, atol=1e-5)
    turned = clouds + clouds.new_tensor([0.0, 0.0, 2 * torch.pi])
    torch.testing.assert_close(encode(turned), expected, rtol=1e-3, atol=1e-3)
    moved = torch.where(clouds[..., :1] > 0, clouds, clouds.new_tensor([0.0, 0.3, 0.3]))  # padding elsewhere
    torch.testing.assert_close(encode(moved), expected)


def test_attention_is_that_of_torch():
    """One block, heads and all, against torch's own multi-head attention with the same weights."""
    torch.manual_seed(0)
    block, theirs = SelfAttention(8, "gelu"), torch.nn.MultiheadAttention(8, HEADS, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = block.project.weight.data, block.project.bias.data
    theirs.out_proj.load_state_dict(block.merge.state_dict())
    h, there = torch.randn(3, 5, 8), torch.arange(5) < torch.tensor([[5], [3], [1]])
    n = block.norms[0](h)
    middle = h + theirs(n, n, n, key_padding_mask=~there)[0]
    torch.testing.assert_close(block(h, there), middle + block.feed(block.norms[1](middle)))


def test_decoder_returns_normalised_clouds_near_the_axis():
    torch.manual_seed(0)
    cloud = CloudDecoder(3, (16,), 10)(torch.randn(5, 2, 3))
    assert cloud.shape == (5, 2, 10, 3)
    torch.testing.assert_close(cloud[..., 0].sum(-1), torch.ones(5, 2))
    assert cloud[..., 1:].abs().max() < 1.0


@pytest.mark.parametrize("likelihood", ["emd", "emd-laplace"])
@pytest.mark.parametrize("metric", ["fused", "exact", "sinkhorn"])
def test_metrics_are_chosen_by_name(clouds, likelihood, metric):
    torch.manual_seed(0)
    config = ModelConfig(latent="R2", encoder=(8, 8), decoder=(8,), likelihood=likelihood, metric=metric, particles=6)
    vae = build(config, inputs=0)
    torch.manual_seed(1)
    bound = inference.elbo(vae.model, vae.guide, clouds[:4])
    exact = build(config.model_copy(update={"metric": "exact"}), inputs=0)
    exact.load_state_dict(vae.state_dict())
    torch.manual_seed(1)
    expected = inference.elbo(exact.model, exact.guide, clouds[:4]).reconstruction
    blur = 0.3 if metric == "sinkhorn" else 0.01  # plain Sinkhorn at one temperature is biased
    torch.testing.assert_close(bound.reconstruction, expected, rtol=blur, atol=1e-3)
    bound.objective.backward()
    assert all(p.grad.isfinite().all() for p in vae.parameters())


def test_recipe_learns_and_reports(tmp_path):
    """Eight epochs with a nearly free KL: the distance falls; the report has decoded clouds."""
    changes = {"training.epochs": 8, "schedule.kl_weight": {}, "training.kl_weight": 1e-3, "model.latent": "R4"}
    run = inference.train(read("jet-w", changes), tmp_path / "run")
    losses = [row["reconstruction"] for row in run.history]
    assert losses[-1] < 0.8 * losses[1]
    tree = analysis.evaluate(run, draws=1)
    assert tree["traversals"]["cloud"].sizes == {"step": 20, "particle": 40, "column": 3}
    assert analysis.write_report(tree, tmp_path / "r.html").exists()
