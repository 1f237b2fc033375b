"""The circle's gradient and KL over the whole range of concentrations, against 30-digit arithmetic."""

import math

import mpmath
import numpy as np
import pytest
import torch
from pyro.infer import MCMC, NUTS
from pyro.ops import stats
from torch.distributions import biject_to, kl_divergence, transform_to

from priors import Latent, VonMises, parse
from priors.constraints import circular, coordinate_support
from priors.polar import PolarAngle

CONCENTRATIONS = [1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0, 50.0, 1e3, 1e4]
mpmath.mp.dps = 30


def exact_kl(kappa):
    r"""Return kappa I1/I0 - ln I0 and its derivative kappa (1 - A/kappa - A^2), to 30 digits."""
    kappa = mpmath.mpf(kappa)
    a = mpmath.besseli(1, kappa) / mpmath.besseli(0, kappa)
    return float(kappa * a - mpmath.log(mpmath.besseli(0, kappa))), float(kappa * (1 - a / kappa - a * a))


def by_quadrature(kappa, theta):
    """Distribution function of the angle and its derivative in kappa over the density, by 100-point Gauss."""
    x, w = np.polynomial.legendre.leggauss(100)
    x, w = (x + 1) / 2, w / 2
    shortfall = float(1 - mpmath.besseli(1, kappa) / mpmath.besseli(0, kappa))
    total = float(mpmath.pi * mpmath.besseli(0, kappa) * mpmath.exp(-kappa))
    gap = 2 * np.sin(theta[:, None] * x / 2) ** 2
    here = 2 * np.sin(theta / 2) ** 2
    cdf = theta * (w * np.exp(-kappa * gap)).sum(1) / total
    slope = theta * (w * np.exp(kappa * (here[:, None] - gap)) * (gap - shortfall)).sum(1)
    return cdf, slope


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
def test_gradient_of_every_draw_is_exact(kappa):
    """The draw inverts the distribution function, and its derivative in kappa is right to 1e-6, in float64."""
    u = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    concentration = torch.full_like(u, kappa, requires_grad=True)
    theta = PolarAngle(concentration, 2).quantile(u)
    (slope,) = torch.autograd.grad(theta.sum(), concentration)
    cdf, exact = by_quadrature(kappa, theta.detach().numpy())
    assert np.abs(cdf - u.numpy()).max() < 1e-9
    assert np.abs(slope.numpy() - exact).max() < 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-3)])
def test_mean_gradient_is_exact(kappa, dtype, tolerance):
    """The mean over all draws of d cos(z) / d kappa is A'(kappa): Gauss quadrature over the angle, no noise."""
    x, w = np.polynomial.legendre.leggauss(300)
    theta = (x + 1) / 2 * min(math.pi, 9 / math.sqrt(kappa))
    w = w / 2 * min(math.pi, 9 / math.sqrt(kappa))
    total = float(mpmath.pi * mpmath.besseli(0, kappa) * mpmath.exp(-kappa))
    density = np.exp(-2 * kappa * np.sin(theta / 2) ** 2) / total
    cdf, _ = by_quadrature(kappa, theta)
    concentration = torch.full((300,), kappa, dtype=dtype, requires_grad=True)
    draws = PolarAngle(concentration, 2).quantile(torch.tensor(cdf).clamp(max=1 - 1e-15).to(dtype))
    (slope,) = torch.autograd.grad(draws.cos().sum(), concentration)
    mean = (w * density * slope.double().numpy())[cdf < 1 - 1e-6].sum()
    tail = (w * density * -np.sin(theta) * by_quadrature(kappa, theta)[1])[cdf >= 1 - 1e-6].sum()
    assert mean + tail == pytest.approx(exact_kl(kappa)[1] / kappa, rel=tolerance)


@pytest.mark.parametrize("kappa", [*CONCENTRATIONS, 1e6])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 1e-5)])
def test_kl_and_its_gradient(kappa, dtype, tolerance):
    """Closed-form KL from uniform and its derivative, right sign included, where naive Bessel ratios lose it."""
    family = VonMises.family
    concentration = torch.tensor(kappa, dtype=dtype, requires_grad=True)
    kl = kl_divergence(family(torch.zeros((), dtype=dtype), concentration), family(torch.zeros((), dtype=dtype), 0.0))
    (slope,) = torch.autograd.grad(kl, concentration)
    value, derivative = exact_kl(kappa)
    assert float(kl.detach()) == pytest.approx(value, rel=tolerance, abs=tolerance)
    assert float(slope) == pytest.approx(derivative, rel=tolerance)


def test_circle_starts_concentrated_and_can_still_spread_out():
    factor = parse("S1").factors[0]
    typical = factor.posterior(torch.tensor([0.3, 0.2])).base_dist
    assert 10 < float(typical.concentration) < 20
    assert float(typical.loc) == pytest.approx(math.atan2(0.2, 0.3))
    assert float(factor.posterior(torch.tensor([1e-5, 0.0])).base_dist.concentration) < 1e-3


def test_resultant_length_of_the_head():
    """The encoder's rho sets the mean resultant length, rho / sqrt(1 + rho^2), within Banerjee's 1 %."""
    for rho in (0.05, 0.3, 1.0, 3.0, 20.0):
        kappa = VonMises(1).posterior(torch.tensor([rho / 10, 0.0])).base_dist.concentration
        length = float(mpmath.besseli(1, float(kappa)) / mpmath.besseli(0, float(kappa)))
        assert length == pytest.approx(rho / math.sqrt(1 + rho**2), rel=0.02)


@pytest.mark.parametrize("text", ["S1", "T2", "S1(concentration=2)"])
def test_support_is_circular(text):
    """Prior and posterior, coordinate by coordinate; samplers move over it as over the reals, full turns included."""
    factor = parse(text).factors[0]
    for distribution in (factor.prior(), factor.posterior(torch.full((3, factor.outputs), 0.1))):
        support = distribution.support
        assert (support.base_constraint, support.event_dim) == (circular, 1)
        assert coordinate_support(distribution) is circular
        u = torch.tensor([-7.0, 3.0])[: factor.dim].expand(3, factor.dim)
        for mapping in (biject_to(support), transform_to(support)):
            assert torch.equal(mapping(u), u)
            assert torch.equal(mapping.inv(u), u)
            assert torch.equal(mapping.log_abs_det_jacobian(u, u), torch.zeros(3))
    assert circular.check(torch.tensor([0.0, 9.0, math.nan])).tolist() == [True, True, False]


def test_pyro_samples_the_circle():
    """Pyro's NUTS on a von Mises site: 400 draws, mean resultant length of concentration 4 within 5 errors."""
    torch.manual_seed(0)
    factor = parse("S1(concentration=4)").factors[0]
    sampler = MCMC(NUTS(lambda: factor.sample_prior("z")), num_samples=400, warmup_steps=100, disable_progbar=True)
    sampler.run()
    z = sampler.get_samples()["z"].cos()
    expected = float(mpmath.besseli(1, 4) / mpmath.besseli(0, 4))
    effective = float(stats.effective_sample_size(z[None]))
    assert effective > 50
    assert float(z.mean()) == pytest.approx(expected, abs=5 * float(z.std()) / math.sqrt(effective))


def test_a_users_family_on_the_circle_is_an_angle():
    family = VonMises.family
    prior = family(0.0, torch.tensor(0.0))
    factor = Latent.from_distributions("circle", prior=prior, posterior=family)(2)
    assert factor.coordinate_kinds == ("angle", "angle")
