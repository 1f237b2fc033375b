"""Kumaraswamy distribution of numbers that stay inside the unit interval."""

from __future__ import annotations

import copy
from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import Distribution


class Kumaraswamy(dist.Kumaraswamy):
    r"""Kumaraswamy distribution, :math:`p(z) = a b z^{a-1} (1 - z^a)^{b-1}` (Kumaraswamy 1980), in logarithms.

    torch's inverts the draw, which is exact only to rounding: for small :math:`z^a` and for draws that round to 0 or 1
    its density is not finite. Here draws end one rounding from the edges.

    >>> q = Kumaraswamy(torch.tensor(2.0), torch.tensor(3.0))
    >>> q.log_prob(torch.tensor(1e-20)), dist.Kumaraswamy(2.0, 3.0).log_prob(torch.tensor(1e-20))
    (tensor(-44.2599), tensor(-inf))
    """

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw ``(*sample_shape, ...)``, with gradients."""
        z = super().rsample(sample_shape)
        kind = torch.finfo(z.dtype)
        return z.clamp(kind.tiny, 1 - kind.eps / 2)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw ``(*sample_shape, ...)``, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density ``(...)`` at numbers ``(...)`` between 0 and 1."""
        if self._validate_args:
            self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        log_power = a * value.log()
        return a.log() + b.log() + log_power - value.log() + (b - 1) * (-torch.expm1(log_power)).log()


def as_ours(distribution: Any) -> Any:
    """Return torch's class or instance as Pyro's, a Kumaraswamy one as the one above; anything else as it is.

    >>> as_ours(torch.distributions.Normal), type(as_ours(dist.Kumaraswamy(2.0, 3.0)))
    (<class 'pyro.distributions.torch.Normal'>, <class 'priors.kumaraswamy.Kumaraswamy'>)
    """
    if not isinstance(distribution, type):
        family = type(distribution)
        if isinstance(distribution, Distribution) and as_ours(family) is not family:
            distribution = copy.copy(distribution)
            distribution.__class__ = as_ours(family)  # the same attributes, more methods
        return distribution
    if distribution.__module__.startswith("torch.distributions."):
        distribution = getattr(dist, distribution.__name__, distribution)
    return Kumaraswamy if distribution is dist.Kumaraswamy else distribution
