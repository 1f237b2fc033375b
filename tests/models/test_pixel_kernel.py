"""The pixels' divergence by the fused kernel against the same in float64 tensors."""

import pytest
import torch

from models.pixel_kernel import pixel_divergence

SHAPES = [(1, 1), (3, 16), (5, 37), (7, 1600)]


def case(shape, seed=0):
    """Return logits, and sparse images of unit mass but for one that is empty and one of mass two."""
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=g) * (torch.rand(shape, generator=g) < 0.2)
    x = x / x.sum(-1, keepdim=True).clamp(min=1e-9)
    x[0] *= 2
    return 5 * torch.randn(shape, generator=g), x


def exact(logits, x):
    logits, x = logits.double(), x.double()
    return (x * logits.log_softmax(-1)).sum(-1) - torch.xlogy(x, x).sum(-1)


@pytest.mark.parametrize("shape", SHAPES)
def test_value_and_gradient(shape):
    logits, x = case(shape)
    logits.requires_grad_()
    reference = exact(logits, x)
    value, _ = pixel_divergence(logits, x)
    # float32 sums of up to 1600 terms of order ten
    torch.testing.assert_close(value.double(), reference, rtol=2e-6, atol=1e-5)
    weights = torch.arange(1.0, len(x) + 1)
    torch.testing.assert_close(
        *(torch.autograd.grad((v * weights).sum(), logits)[0] for v in (value, reference)), rtol=1e-5, atol=1e-6
    )


def test_far_away_logits():
    logits, x = torch.tensor([[0.0, -200.0, 88.0, 1e4] * 4]), torch.eye(16)[1:2]
    torch.testing.assert_close(pixel_divergence(logits, x)[0].double(), exact(logits, x), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", ["logits", "x"])
@pytest.mark.parametrize("column", [0, 20, 36])
def test_numbers_that_are_not_finite_stay_so(bad, where, column):
    tensors = dict(zip(("logits", "x"), case((4, 37)), strict=True))
    tensors[where][2, column] = bad
    tensors["x"][2, column] = tensors["x"][2, column] if where == "x" else 0.0
    finite = pixel_divergence(**tensors)[0].isfinite()
    assert finite.tolist() == [True, True, False, True]


def test_vmap_over_either_argument():
    (logits, x), (more, _) = case((4, 37)), case((4, 37), seed=1)
    both = torch.stack([logits, more], 1)
    got = torch.func.vmap(pixel_divergence, in_dims=(1, None))(both, x)
    for mine, alone in zip(got, zip(pixel_divergence(logits, x), pixel_divergence(more, x), strict=True), strict=True):
        torch.testing.assert_close(mine, torch.stack(alone), rtol=0, atol=0)


def test_operator_is_well_formed():
    logits, x = case((3, 16))
    torch.library.opcheck(pixel_divergence, (logits.requires_grad_(), x))
