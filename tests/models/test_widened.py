"""A model of wider networks is the same function, and can learn more."""

import contextlib

import pytest
import torch

from models import Beta, ModelConfig, build
from models.widened import wide, widened

CASES = {
    "vectors": (
        {"encoder": (8, 8), "decoder": (8,), "likelihood": "normal", "beta": Beta(0.1, 3.0), "latent": "R3 x S1"},
        (4,),
    ),
    "superposition": (
        {"encoder": (8,), "decoder": (8,), "likelihood": "normal", "beta": Beta(0.1, 1.0), "latent": "R1 | R2 x D3"},
        (4,),
    ),
    "clouds": ({"encoder": (16, 8), "decoder": (8,), "likelihood": "emd", "beta": Beta(0.01, 0.3)}, (9, 3)),
    "attention": ({"encoder": (16, 8), "decoder": (8,), "likelihood": "emd", "attention": 1}, (9, 3)),
    "equivariant": (
        {"encoder": (16, 8), "decoder": (8,), "likelihood": "emd", "latent": "R3 x S1", "equivariant": True},
        (9, 3),
    ),
    "images": ({"encoder": (10,), "decoder": (), "batch_norm": True, "decoder_bias": False}, (1600,)),
    "convolutional": ({"architecture": "convolutional", "encoder": (8,), "decoder": (8,)}, (1600,)),
    "vamp": ({"encoder": (8,), "decoder": (8,), "latent": "V2:3", "likelihood": "normal"}, (4,)),
}


@pytest.fixture(params=CASES)
def pair(request):
    """A model whose weights have moved, the same made wider, and data of a shape that they take."""
    torch.manual_seed(1)
    table, shape = CASES[request.param]
    inputs = shape[0] if len(shape) == 1 else 1600
    vae = build(ModelConfig(**table), inputs)
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = torch.rand(5, *shape)
    if len(shape) == 2:
        x[..., 0] /= x[..., 0].sum(1, keepdim=True)
    return vae, widened(vae, inputs), x


def test_the_same_function(pair):
    vae, large, x = pair
    beta = vae.config.beta
    for value in (beta.low, beta.high) if beta.is_range else (None,):
        at = [each.eval().at(value) if value else contextlib.nullcontext() for each in (vae, large)]
        with torch.no_grad(), at[0], at[1]:
            torch.testing.assert_close(large.encode(x), vae.encode(x), atol=2e-6, rtol=1e-5)
            features = torch.randn(5, vae.latent.features_size)
            torch.testing.assert_close(large.generate(features), vae.generate(features), atol=2e-6, rtol=1e-5)


def test_what_is_new_is_not_seen_yet_and_learns(pair):
    """Weights from new units to old ones are zero, and have a gradient."""
    vae, large, x = pair
    assert large.config == wide(vae.config)
    if vae.config.architecture == "convolutional":
        return
    large.train()
    (
        large.encode(x).square().sum() + large.generate(torch.rand(5, large.latent.features_size)).square().sum()
    ).backward()
    last, before = ([m for m in each.encoder.modules() if isinstance(m, torch.nn.Linear)][-1] for each in (large, vae))
    assert last.in_features == 2 * before.in_features
    new = slice(before.in_features, None)
    assert (last.weight[:, new] == 0).all()
    assert (last.weight.grad[:, new] != 0).any()
