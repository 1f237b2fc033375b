"""The von Mises-Fisher distribution on spheres of any dimension, against Bessel functions of many digits."""

import mpmath
import numpy as np
import pytest
import torch
from torch.distributions import kl_divergence

from priors import parse
from priors.polar import PolarAngle
from priors.sphere import SphereUniform
from priors.von_mises_fisher import VonMisesFisherDistribution

SPHERES = [3, 5, 8, 13, 24, 51, 100]
CONCENTRATIONS = [0.1, 1.0, 1e2, 1e4, 1e6, 1e8]
BOTH = [(torch.float32, 1e-4), (torch.float64, 1e-9)]


@pytest.fixture(autouse=True)
def flushed():
    """Denormals are zeros, as in a training."""
    torch.set_flush_denormal(True)


def references(m, kappa):
    r"""Return the mean resultant length A, the KL to uniform in nats and its derivative :math:`\kappa A'(\kappa)`.

    :math:`A = I_{\nu+1}/I_\nu`, :math:`KL = \kappa A + \ln C_m(\kappa) + \ln|S^{m-1}|`, :math:`\nu = m/2 - 1`, and
    :math:`A' = 1 - A^2 - (m-1) A/\kappa`.
    """
    with mpmath.workdps(50):
        half, kappa = mpmath.mpf(m) / 2, mpmath.mpf(kappa)
        bessel, next_bessel = (mpmath.besseli(half - 1 + i, kappa) for i in (0, 1))
        length = next_bessel / bessel
        log_density = (half - 1) * mpmath.log(kappa) - half * mpmath.log(2 * mpmath.pi) - mpmath.log(bessel)
        log_area = mpmath.log(2) + half * mpmath.log(mpmath.pi) - mpmath.loggamma(half)
        slope = kappa * (1 - length**2 - (m - 1) * length / kappa)
        return float(length), float(kappa * length + log_density + log_area), float(slope)


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
@pytest.mark.parametrize("m", [2, *SPHERES, 300])
@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
def test_kl_and_its_gradient_are_those_of_bessel_functions(m, kappa, dtype, tolerance):
    concentration = torch.tensor(kappa, dtype=dtype, requires_grad=True)
    q = VonMisesFisherDistribution(torch.eye(m, dtype=dtype)[0], concentration)
    kl = kl_divergence(q, SphereUniform(torch.zeros(m, dtype=dtype)))
    (slope,) = torch.autograd.grad(kl, concentration)
    _, value, derivative = references(m, kappa)
    assert float(kl.detach()) == pytest.approx(value, rel=tolerance, abs=tolerance)
    assert float(slope) == pytest.approx(derivative, rel=max(tolerance, 1e-7))


@pytest.mark.parametrize("m", SPHERES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_have_the_mean_resultant_length(m, dtype):
    """1 - A within 4.5 errors of 20,000 draws, and ln p of the draws as far from its mean, minus the entropy."""
    torch.manual_seed(0)
    kappa = torch.tensor(CONCENTRATIONS, dtype=dtype).expand(20_000, -1)
    loc = torch.nn.functional.normalize(torch.linspace(-1, 2, m, dtype=dtype), dim=0)
    q = VonMisesFisherDistribution(loc, kappa)
    z = q.rsample()
    short, log_prob = ((z - loc) ** 2).sum(-1).double() / 2, q.log_prob(z).double()
    for i, value in enumerate(CONCENTRATIONS):
        length, kl, _ = references(m, value)
        error = float(short[:, i].std()) / 20_000**0.5
        assert float(short[:, i].mean()) == pytest.approx(1 - length, abs=4.5 * error)
        entropy = -float(kl + SphereUniform(torch.zeros(m)).log_prob(torch.zeros(m)))
        error = float(log_prob[:, i].std()) / 20_000**0.5
        assert float(log_prob[:, i].mean()) == pytest.approx(-entropy, abs=4.5 * error + 1e-5 * max(1, abs(entropy)))


@pytest.mark.parametrize("m", SPHERES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-3), (torch.float64, 1e-6)])
def test_every_draw_moves_as_its_distribution_function(m, dtype, tolerance):
    """Angle and derivative at given u by sums of 8,000 Gauss points: 1e-5 and 2e-3 (1e-8 and 1e-6 in float64)."""
    u = torch.tensor([1e-3, 0.1, 0.5, 0.9, 0.999], dtype=dtype)
    for value in CONCENTRATIONS:
        kappa = torch.full_like(u, value, requires_grad=True)
        theta = PolarAngle(kappa, m).quantile(u)
        (slope,) = torch.autograd.grad(theta.sum(), kappa)
        cdf, expected = by_quadrature(m, value, theta.detach().double().numpy())
        assert np.abs(cdf - u.double().numpy()).max() < tolerance / 200
        assert np.abs(slope.double().numpy() - expected).max() < tolerance * np.abs(expected).max()


def by_quadrature(m, kappa, theta):
    """Return the distribution function at angles ``(n,)`` and its derivative in kappa over the density, negative."""
    x, w = np.polynomial.legendre.leggauss(400)
    top = min(np.pi, (30 + 2 * m**0.5) / max(kappa, m) ** 0.5)

    def integrals(end):
        edges = np.linspace(0, end, 21)[:, None]
        t = edges[:-1] + (x + 1) / 2 * np.diff(edges, axis=0)
        gap = 2 * np.sin(t / 2) ** 2
        weight = np.exp((m - 2) * np.log(np.sin(t)) - kappa * gap - shift) * w / 2 * np.diff(edges, axis=0)
        return weight.sum(), (weight * gap).sum()

    grid = np.linspace(0, top, 100_001)[1:-1]
    shift = ((m - 2) * np.log(np.sin(grid)) - 2 * kappa * np.sin(grid / 2) ** 2).max()
    total, first = integrals(top)
    rows = []
    for angle in theta:
        part, moment = integrals(angle)
        density = np.exp((m - 2) * np.log(np.sin(angle)) - 2 * kappa * np.sin(angle / 2) ** 2 - shift)
        rows.append((part / total, (moment - first / total * part) / density))
    return np.array(rows).T


@pytest.mark.parametrize("m", [2, 3, 4, 13, 100])
def test_the_ends_of_the_uniform_numbers(m):
    """u = 0 and the last float32 number below 1 give angles within the range and derivatives that are finite."""
    kappa = torch.tensor([0.0, 1.0, 10.0, 1e3, 1e10], requires_grad=True)
    for u in (0.0, 1e-9, 1 - 1.2e-7, 1 - 6e-8):
        theta = PolarAngle(kappa, m).quantile(torch.full((5,), u))
        (slope,) = torch.autograd.grad(theta.sum(), kappa)
        assert ((theta >= 0) & (theta <= 3.1416)).all()
        assert slope.isfinite().all()
        assert m == 2 or (slope <= 0).all()


def test_spheres_of_many_dimensions_are_factors():
    factor = parse("S99(posterior=vmf)").factors[0]
    head = (torch.randn(7, factor.outputs) * torch.logspace(-6, 4, 7)[:, None]).requires_grad_()
    q = factor.posterior(head)
    z = q.rsample()
    (q.log_prob(z) + kl_divergence(q, factor.prior())).sum().backward()
    assert z.isfinite().all()
    assert head.grad.isfinite().all()
