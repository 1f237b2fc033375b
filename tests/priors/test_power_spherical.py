"""The power spherical distribution from concentration 0 to the largest, in float32 with denormals flushed."""

import mpmath
import pytest
import torch
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from priors import parse
from priors.polar import largest_concentration
from priors.power_spherical import PowerSphericalDistribution
from priors.sphere import SphereUniform

CONCENTRATIONS = [0.0, 1e-3, 1.0, 30.0, 1e3, 1e5, 1e7, 1e9, 1.6e10]
BOTH = [(torch.float32, 1e-4), (torch.float64, 1e-6)]
DRAWS = 40_000


@pytest.fixture(autouse=True)
def flushed():
    """Denormals are zeros, as in a training."""
    torch.set_flush_denormal(True)


def kl_to_uniform(k, kappa):
    """Return the KL in nats and its derivative in kappa, in 50 digits (De Cao & Aziz 2006.04437, appendix)."""
    with mpmath.workdps(50):
        b, kappa = mpmath.mpf(k) / 2, mpmath.mpf(kappa)
        a = kappa + b
        mean_log = mpmath.digamma(a) - mpmath.digamma(a + b)
        log_normaliser = mpmath.loggamma(a) - mpmath.loggamma(a + b) + b * mpmath.log(4 * mpmath.pi)
        log_area = mpmath.log(2) + (b + 0.5) * mpmath.log(mpmath.pi) - mpmath.loggamma(b + 0.5)
        slope = kappa * (mpmath.psi(1, a) - mpmath.psi(1, a + b))
        return float(kappa * mean_log - log_normaliser + log_area), float(slope)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9, 50, 99, 100])
@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
def test_values_and_gradients_at_every_concentration(k, dtype, tolerance):
    """KL and its gradient by mpmath; mean distance to the far pole, its gradient, ln p: 4.5 errors of 40,000 draws."""
    torch.manual_seed(0)
    loc, b = normalize(torch.linspace(-1, 2, k + 1, dtype=dtype), dim=0), k / 2
    for value in CONCENTRATIONS:
        kappa = torch.full((DRAWS,), value, dtype=dtype, requires_grad=True)
        q = PowerSphericalDistribution(loc, kappa)
        z, kl = q.rsample(), kl_divergence(q, SphereUniform(torch.zeros(k + 1, dtype=dtype)))
        far, log_prob = ((z - loc) ** 2).sum(-1) / 4, q.log_prob(z.detach())
        slopes = [torch.autograd.grad(part.sum(), kappa, retain_graph=True)[0] for part in (kl, far, log_prob)]
        assert all(slope.isfinite().all() for slope in slopes)
        exact, derivative = kl_to_uniform(k, value)
        assert float(kl[0].detach()) == pytest.approx(exact, rel=tolerance, abs=tolerance)
        assert float(slopes[0][0]) == pytest.approx(derivative, rel=1e-3, abs=tolerance / (1 + value))
        expected = {"far": b / (value + 2 * b), "slope": -b / (value + 2 * b) ** 2}
        entropy = -exact - float(SphereUniform(torch.zeros(k + 1)).log_prob(torch.zeros(k + 1)))
        checks = [(far, expected["far"], 0), (slopes[1], expected["slope"], 0), (log_prob, -entropy, 0.01)]
        for part, mean, rounding in checks:
            part = part.detach().double()
            error = 4.5 * float(part.std()) / DRAWS**0.5 + rounding
            assert float(part.mean()) == pytest.approx(mean, abs=error)


@pytest.mark.parametrize("k", [1, 2, 3, 50])
def test_log_prob_in_float32_is_that_in_float64(k):
    """Of the same draws: to 0.01 nat at concentration 1e7 and to 0.3 nat at the largest, in 7.5 to 500 nats."""
    torch.manual_seed(0)
    loc = normalize(torch.linspace(-1, 2, k + 1), dim=0)
    for value, tolerance in ((0.5, 1e-4), (1e3, 1e-3), (1e7, 0.01), (1.6e10, 0.3)):
        q = PowerSphericalDistribution(loc, torch.tensor(value))
        z = q.sample((2000,))
        wide = PowerSphericalDistribution(normalize(loc.double(), dim=0), torch.tensor(value).double())
        torch.testing.assert_close(
            q.log_prob(z).double(), wide.log_prob(normalize(z.double(), dim=-1)), rtol=0, atol=tolerance
        )


@pytest.mark.parametrize("text", ["S1", "T2", "S1(posterior=power)", "S1(posterior=vmf)", "S2", "S3", "S30", "S99"])
@pytest.mark.parametrize("size", [0.0, 1e-8, 50.0, 1e4, 1e8])
def test_any_head_gives_a_finite_posterior(text, size):
    """Draws, ln q - ln p, KL and gradients are finite, and the concentration ends where draws fall together."""
    factor = parse(text).factors[0]
    signs = torch.tensor([1.0, -1.0, 0.3]).repeat(factor.outputs)[: factor.outputs]
    head = (size * torch.stack([signs, -signs, signs.abs()])).requires_grad_()
    q, p = factor.posterior(head), factor.prior()
    z = q.rsample((50,))
    nats = q.log_prob(z) - p.log_prob(z)
    (nats.sum() + kl_divergence(q, p).sum()).backward()
    assert z.isfinite().all()
    assert nats.isfinite().all()
    assert head.grad.isfinite().all()
    concentration = getattr(q, "base_dist", q).concentration.detach()
    assert float(concentration.max()) <= 1.001 * largest_concentration(head.dtype)
