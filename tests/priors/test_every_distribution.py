"""Every distribution of torch and Pyro as prior and as posterior: it works and the KL is right, or it is refused.

A class that torch or Pyro add fails by its name until it is in the tables of ``distributions.py``.
"""

import itertools
import math

import pyro.distributions as dist
import pytest
import torch
from scipy.integrate import quad
from torch.distributions import Independent

from priors import Latent, kl_per_coordinate
from priors.constraints import coordinate_support

from .distributions import NO_PRIOR, POSTERIORS, PRIORS, UNIT, Circle, classes

DRAWS, ERRORS = 20_000, 4.5
REFUSALS = {name: case for name, case in PRIORS.items() if len(case) == 3}
WORKING = {name: case for name, case in PRIORS.items() if len(case) == 2}


def test_every_class_is_in_the_tables():
    """ExpandedDistribution is not shown by Pyro, but is what ``expand`` returns."""
    assert set(classes()) | {"ExpandedDistribution"} == set(PRIORS) | NO_PRIOR
    assert set(classes()) == set(POSTERIORS)


def factor_of(prior, posterior):
    return Latent.from_distributions("tried", prior=prior, posterior=posterior)(2)


def assert_kl(factor):
    """KL of float32 against the mean of ln q - ln p over 20,000 draws of float64, at one head, and its description."""
    said = factor.describe("z")["kl"]
    torch.manual_seed(0)
    head = 0.3 * torch.randn(1, factor.outputs)
    q, p = factor.posterior(head.expand(DRAWS, -1)), factor.prior()
    kl = kl_per_coordinate(q, p, q.rsample() if q.has_rsample else q.sample()).sum(-1).double()
    factor = factor.double()
    q, p = factor.posterior(head.double().expand(DRAWS, -1)), factor.prior()
    z = q.rsample() if q.has_rsample else q.sample()
    drawn = q.log_prob(z) - p.log_prob(z)
    assert z.shape == (DRAWS, 2)
    assert drawn.isfinite().all()
    error = float((drawn.var() + kl.var()).sqrt()) / DRAWS**0.5
    assert float(kl.mean()) == pytest.approx(float(drawn.mean()), abs=ERRORS * error + 1e-4)
    assert (float(kl.std()) < 1e-5) == (said == "exact" or error < 1e-6)


@pytest.mark.parametrize("name", WORKING)
def test_as_prior(name):
    build, posterior = WORKING[name]
    assert_kl(factor_of(build(), posterior))


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_as_prior(name):
    build, posterior, reason = REFUSALS[name]
    assert_refused(build(), posterior, reason)


def assert_refused(prior, posterior, reason):
    """In one line, by a TypeError or a ValueError."""
    with pytest.raises((TypeError, ValueError), match=reason) as refusal:
        factor_of(prior, posterior)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("tried: ")


@pytest.mark.parametrize("name", POSTERIORS)
def test_as_posterior(name):
    cls, expected = classes()[name], POSTERIORS[name]
    if isinstance(expected, str):
        assert_refused(UNIT, cls, expected)
    else:
        assert_kl(factor_of(expected, cls))


@pytest.mark.parametrize("name", WORKING)
def test_prior_of_one_number_integrates_to_one(name):
    """The factor's prior of one coordinate, by scipy over its support: 1e-4; a simplex of two by its first weight."""
    build, posterior = WORKING[name]
    prior = factor_of(build(), posterior).double().prior()
    base = prior.base_dist if isinstance(prior, Independent) else prior
    simplex = posterior is dist.Dirichlet
    if base.event_shape and not simplex:
        pytest.skip("a density on more than a line")

    def density(x):
        z = torch.tensor([x, 1 - x] if simplex else [x, x], dtype=torch.float64)
        return float(base.log_prob(z).exp().reshape(-1)[0])

    edges = {Circle: (-math.pi, math.pi), dist.Dirichlet: (0.0, 1.0)}.get(posterior)
    low, high = edges or (edge_of(base, "lower"), edge_of(base, "upper"))
    inner = [edge for edge in (-0.7, 0.7, 5.0) if low < edge < high]
    parts = itertools.pairwise([low, *inner, high])
    assert sum(quad(density, *part, limit=200)[0] for part in parts) == pytest.approx(1, abs=1e-4)


def edge_of(distribution, side):
    """Return the lower or upper end of the support of one coordinate."""
    support = coordinate_support(distribution)
    bound = getattr(support, f"{side}_bound", -math.inf if side == "lower" else math.inf)
    return float(torch.as_tensor(bound).reshape(-1)[0])
