"""Kullback-Leibler divergence of a posterior from its prior: closed form where registered, else one draw."""

from __future__ import annotations

from typing import Any

import torch
from pyro.distributions import Beta, ContinuousBernoulli, Delta, MaskedDistribution, Uniform
from torch import Tensor
from torch.distributions import Independent, kl_divergence, register_kl


def kl_per_coordinate(posterior: Any, prior: Any, z: Tensor) -> Tensor:
    r"""Return :math:`KL(q(z|x)\,\|\,p(z))` in nats, split by coordinate where the factor splits.

    Both distributions ``Independent`` over one event dimension: the KL of each coordinate, shape ``(..., d)``.
    Otherwise one number for the factor, shape ``(..., 1)``. Pairs without a closed form registered with
    :func:`torch.distributions.kl.register_kl` give the unbiased single-draw estimate
    :math:`\log q(z) - \log p(z)` at ``z``, a draw of the posterior.

    >>> import pyro.distributions as dist
    >>> q, p = dist.Normal(torch.ones(5, 2), 1.0).to_event(1), dist.Normal(torch.zeros(2), 1.0).to_event(1)
    >>> kl_per_coordinate(q, p, q.sample()).shape, float(kl_per_coordinate(q, p, q.sample())[0, 0])
    (torch.Size([5, 2]), 0.5)
    """
    if isinstance(posterior, MaskedDistribution):
        kl = kl_per_coordinate(posterior.base_dist, getattr(prior, "base_dist", prior), z)
        return torch.where(torch.as_tensor(posterior._mask, device=kl.device).unsqueeze(-1), kl, 0.0)
    if splits(posterior) and splits(prior):
        posterior, prior = posterior.base_dist, prior.base_dist
        return _kl(posterior, prior, z)
    return _kl(posterior, prior, z).unsqueeze(-1)


def has_closed_form(posterior: Any, prior: Any) -> bool:
    """Whether a closed-form KL is registered for this pair of distributions."""
    try:
        kl_divergence(posterior, prior)
    except NotImplementedError:
        return False
    return True


def describe_kl(posterior: Any, prior: Any) -> str:
    """Return how the KL of this pair of distributions is computed: ``exact`` or ``Monte Carlo``."""
    return "exact" if has_closed_form(posterior, prior) else "Monte Carlo"


def _kl(posterior: Any, prior: Any, z: Tensor) -> Tensor:
    try:
        return kl_divergence(posterior, prior)
    except NotImplementedError:
        return posterior.log_prob(z) - prior.log_prob(z)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _kl_unit_interval_uniform(q: Any, p: Any) -> Tensor:
    """Minus the entropy, plus the log of the width; torch's own fail on batches, or are infinite where this is not."""
    kl = (p.high - p.low).log() - q.entropy()
    return torch.where((p.low <= 0) & (p.high >= 1), kl, torch.inf)


def splits(distribution: Any) -> bool:
    """Whether a distribution is a product over the coordinates of its event."""
    return (
        isinstance(distribution, Independent)
        and distribution.reinterpreted_batch_ndims == 1
        and distribution.base_dist.event_shape == torch.Size()
        and not isinstance(distribution.base_dist, Delta)
    )
