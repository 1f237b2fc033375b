"""Whether a prior and a posterior can make a factor: what they are densities of, their supports and their tails."""

from __future__ import annotations

from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import constraints

from priors.constraints import circular, coordinate_support, unwrap
from priors.kl import kl_per_coordinate

TRIALS, MOST_OF = 256, 0.95
"""Draws with which a factor is tried, and the share of them that must be sound: tails may round to an edge."""

ON_THE_CIRCLE = (dist.VonMises, dist.SineBivariateVonMises, dist.SineSkewed)
"""Distributions of angles whose declared support is not :data:`priors.constraints.circular`."""

UNNORMALISED = (dist.ImproperUniform, dist.Unit)
"""Not densities."""

REFUSED = {
    "Stable": "one log_prob takes gigabytes",
    "OneOneMatching": "its normalisation sums over all matchings",
    "OneTwoMatching": "its normalisation sums over all matchings",
    "SpanningTree": "its normalisation sums over all trees",
    "GeneralizedPareto": "torch computes its density in float32 alone",
}
"""Names of distributions that are not tried, and why."""

SQUARES = (dist.Normal, dist.HalfNormal, dist.MultivariateNormal, dist.LowRankMultivariateNormal)
FIRST_POWERS = (dist.Laplace, dist.SoftLaplace, dist.AsymmetricLaplace, dist.Logistic, dist.Exponential, dist.Gamma)
"""Priors whose -ln p grows as that power of z: the KL of a posterior without that moment is infinite."""


class MismatchError(TypeError):
    """A prior and a posterior that make no factor; the message says why in one line."""


class DimensionError(ValueError):
    """A prior of another dimension than the factor's."""


def assert_affordable(symbol: str, distribution: Any) -> None:
    """Assert that an instance, a class or a ``functools.partial`` of one can be tried at all.

    Raises
    ------
    MismatchError
        It is one of :data:`REFUSED` or of :data:`UNNORMALISED`, or masked.
    """
    family = getattr(distribution, "func", distribution)
    family = family if isinstance(family, type) else type(unwrap(family))
    for base in family.__mro__:
        if base.__name__ in REFUSED:
            raise MismatchError(f"{symbol}: {family.__name__} cannot be a prior or posterior: {REFUSED[base.__name__]}")
    if issubclass(family, UNNORMALISED) or is_masked(distribution):
        raise MismatchError(f"{symbol}: {family.__name__}, or its mask, is no density, so that there is no KL")


def is_masked(distribution: Any) -> bool:
    """Whether a part of a distribution is masked: its log_prob is 0 there."""
    while distribution is not None:
        if isinstance(distribution, dist.MaskedDistribution) and not torch.as_tensor(distribution._mask).all():
            return True
        distribution = getattr(distribution, "base_dist", None)
    return False


def measure(distribution: Any) -> str:
    """Return what a distribution is a density of: lengths, an angle, a simplex, a sphere, or discrete values.

    >>> measure(dist.Normal(0.0, 1.0)), measure(dist.VonMises(0.0, 1.0)), measure(dist.Poisson(1.0))
    ('real numbers', 'angle', 'discrete values')
    """
    try:
        support = coordinate_support(distribution)
    except (AttributeError, NotImplementedError):  # of a flow from elsewhere
        return "real numbers"
    if support is circular or isinstance(unwrap(distribution), ON_THE_CIRCLE):
        return "angle"
    if support.is_discrete:
        return "discrete values"
    named = {constraints.simplex: "simplex", dist.constraints.sphere: "sphere"}
    return named.get(support, "real numbers")


def assert_matched(symbol: str, prior: Any, posterior: Any) -> None:
    """Assert that ln q - ln p of draws of a posterior ``(n, d)`` has a meaning, by trying it.

    Raises
    ------
    MismatchError
        They are densities of different things, draws fall outside the prior's support, or densities are not finite.
    """
    of_prior, of_posterior = measure(prior), measure(posterior)
    if of_prior != of_posterior:
        raise MismatchError(f"{symbol}: the prior is a density of {of_prior}, the posterior of {of_posterior}")
    z = posterior.rsample() if posterior.has_rsample else posterior.sample()
    inside, finite = inside_support(prior, z), finite_densities(prior, posterior, z)
    if inside < MOST_OF:
        raise MismatchError(
            f"{symbol}: {1 - inside:.0%} of the posterior's draws lie outside the prior's support, where the "
            "KL is infinite; fix what moves it, as functools.partial(dist.Pareto, scale=1.0) does"
        )
    if finite < MOST_OF:
        raise MismatchError(f"{symbol}: the densities of {1 - finite:.0%} of the posterior's draws are not finite")


def assert_tails(symbol: str, prior: Any, posterior: Any) -> None:
    """Assert that a posterior has the moments by which its KL from the prior is finite.

    Raises
    ------
    MismatchError
        It lacks one.
    """
    base = unwrap(prior)
    for families, moment in ((SQUARES, "variance"), (FIRST_POWERS, "mean")):
        if not isinstance(base, families):
            continue
        try:
            values = getattr(posterior, moment)
        except NotImplementedError:
            return
        if not values.isfinite().all():
            name = type(base).__name__
            raise MismatchError(
                f"{symbol}: the posterior has no finite {moment}, so that its KL from a {name} prior is infinite; fix "
                "its tail, as functools.partial(dist.StudentT, df=4.0) does, or take a prior with such a tail"
            )


def inside_support(prior: Any, z: Tensor) -> float:
    """Return the share of draws ``(n, d)`` inside the prior's support; 1 of a flow that does not say."""
    try:
        return float(prior.support.check(z).float().mean())
    except (AttributeError, NotImplementedError):
        return 1.0


def finite_densities(prior: Any, posterior: Any, z: Tensor) -> float:
    """Return the share of a posterior's draws ``(n, d)`` at which KL and densities are finite numbers."""
    nats = kl_per_coordinate(posterior, prior, z).sum(-1) + prior.log_prob(z) + posterior.log_prob(z)
    return float(nats.isfinite().float().mean())
