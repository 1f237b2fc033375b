"""The fused kernel against POT's exact linear programme.

Reduced samples of the table that ``python -m benchmarks.emd --accuracy`` prints for 1,000 pairs of each kind: limits
on means over 60 pairs are met with a margin of several standard errors.
"""

import pytest
import torch

from jets.emd import emd
from jets.emd.examples import PAIRS

COUNT = {32: 60, 64: 60, 100: 30}
CASES = [(kind, n) for kind in PAIRS for n in COUNT]
MEAN_ERROR = {"unrelated": 2e-3, "smeared": 1e-2}
_exact = {}


def tensors(kind, n):
    return tuple(torch.from_numpy(cloud) for cloud in PAIRS[kind](n, COUNT[n]))


def solved(x, y, **options):
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    distance = emd(x, y, **options)
    distance.value.sum().backward()
    return distance, torch.cat((x.grad, y.grad), 1)


def exact(kind, n):
    if (kind, n) not in _exact:
        x, y = tensors(kind, n)
        _exact[kind, n] = solved(x.double(), y.double(), method="exact")
    return _exact[kind, n]


def cosine(one, two):
    one, two = one.flatten(1).double(), two.flatten(1).double()
    return float(torch.nn.functional.cosine_similarity(one, two, dim=1).mean())


@pytest.mark.parametrize(("kind", "n"), CASES)
def test_value_bounds_and_gradients(kind, n):
    truth, slope = exact(kind, n)
    distance, gradient = solved(*tensors(kind, n))
    value = truth.value.detach()
    assert (distance.lower.double() <= value).all()
    assert (distance.upper.double() >= value).all()
    assert float((distance.value.detach() / value - 1).abs().mean()) < MEAN_ERROR[kind]
    assert cosine(gradient[..., 1:], slope[..., 1:]) > 0.98
    assert cosine(gradient[..., 0], slope[..., 0]) > 0.95


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("tolerance", [0.1, 0.02, 0.005, 1e-3])
def test_bounds_hold_at_every_tolerance(kind, tolerance):
    truth, _ = exact(kind, 64)
    distance = emd(*tensors(kind, 64), tolerance=tolerance)
    assert (distance.lower.double() <= truth.value).all()
    assert (distance.upper.double() >= truth.value).all()
    assert (distance.lower <= distance.value).all()
    assert (distance.value <= distance.upper).all()


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("normalise", [True, False])
def test_slack_particle_and_p(kind, normalise):
    x, y = (cloud[:20, :40] for cloud in tensors(kind, 64))
    for p in (1, 2):
        options = {"p": p, "R": 0.7, "normalise": normalise}
        truth, slope = solved(x.double(), y.double(), method="exact", **options)
        distance, gradient = solved(x, y, tolerance=0.01, **options)
        assert (distance.lower.double() <= truth.value).all()
        assert (distance.upper.double() >= truth.value).all()
        assert float((distance.value / truth.value - 1).abs().mean().detach()) < (0.01 if p == 1 else 0.03)
        assert cosine(gradient[..., 1:], slope[..., 1:]) > 0.98
        assert cosine(gradient[..., 0], slope[..., 0]) > 0.95


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_reference_agrees_with_the_programme(p, normalise):
    x, y = (cloud[:8, :20].double() for cloud in tensors("unrelated", 32))
    options = {"p": p, "R": 0.9, "normalise": normalise}
    truth, slope = solved(x, y, method="exact", **options)
    distance, gradient = solved(x, y, method="reference", tolerance=2e-3, **options)
    assert (distance.lower <= truth.value + 1e-12 * truth.value).all()
    assert (distance.upper >= truth.value - 1e-12 * truth.value).all()
    torch.testing.assert_close(distance.value.detach(), truth.value.detach(), rtol=2e-3, atol=0)
    assert cosine(gradient[..., 1:], slope[..., 1:]) > 0.99
    assert cosine(gradient[..., 0], slope[..., 0]) > 0.99


def slope(x, y, direction, gradient, **options):
    """Ratio of the central difference along a direction to what the gradient says."""
    ahead, behind = (emd(x + sign * direction, y, **options).value for sign in (1, -1))
    return float(((ahead - behind) / 2 / (gradient * direction).sum((1, 2))).mean())


@pytest.mark.parametrize("kind", PAIRS)
def test_finite_difference_slope(kind):
    """Along its own gradient the value changes as the gradient says, to 2 % on average, at a tight tolerance."""
    x, y = (cloud[:30] for cloud in tensors(kind, 64))
    gradient = solved(x, y, tolerance=5e-3)[1][:, : x.shape[1]]
    direction = 0.01 * torch.nn.functional.pad(gradient[..., 1:], (1, 0))
    assert slope(x, y, direction, gradient, tolerance=5e-3) == pytest.approx(1.0, abs=0.02)


def weight_slope(x, y, **options):
    """Slope along a step of up to 3 % of each weight, in the direction of its gradient."""
    gradient = solved(x, y, **options)[1][:, : x.shape[1]]
    relative = torch.tanh(gradient[..., :1] * x[..., :1].sum(1, keepdim=True) / 0.04)
    direction = torch.nn.functional.pad(0.03 * x[..., :1] * relative, (0, 2))
    return slope(x, y, direction, gradient, **options)


@pytest.mark.parametrize(("kind", "truth"), [("unrelated", 1.0), ("smeared", 0.83)])
def test_finite_difference_slope_of_the_weights(kind, truth):
    """Between near-copies the plan changes within such a step: the exact programme itself is far from 1 there."""
    x, y = (cloud[:30] for cloud in tensors(kind, 64))
    exact = weight_slope(x.double(), y.double(), method="exact")
    assert exact == pytest.approx(truth, abs=0.02)
    assert weight_slope(x, y, tolerance=5e-3) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("method", ["sinkhorn", "geomloss"])
@pytest.mark.parametrize("normalise", [True, False])
def test_other_methods_approach_the_distance(method, normalise):
    x, y = (cloud[:10, :20] for cloud in tensors("unrelated", 32))
    truth = emd(x, y, method="exact", normalise=normalise).value
    error = {
        blur: float((emd(x, y, method=method, tolerance=blur, normalise=normalise).value / truth - 1).abs().mean())
        for blur in (0.3, 0.003)
    }
    assert error[0.003] < 0.04
    assert error[0.3] > 3 * error[0.003]
