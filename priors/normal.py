"""``R4``: Normal prior and posterior on Euclidean space."""

from __future__ import annotations

import pyro.distributions as dist
import torch
from torch import Tensor

from priors.latent import Latent

WIDEST = 46.0  # log variance of either sign: beyond, squares overflow and widths vanish in float32


def normal_of(head: Tensor) -> dist.TorchDistribution:
    """Return independent normals ``(..., d)`` from location and log variance ``(..., 2 d)``, the latter within 46."""
    loc, log_variance = head.chunk(2, dim=-1)
    return dist.Normal(loc, (log_variance.clamp(-WIDEST, WIDEST) / 2).exp()).to_event(1)


class Normal(Latent):
    r"""R^d with :math:`p(z) = N(0, 1)` and :math:`q(z|x) = N(\mu(x), \sigma(x))`, independent coordinates.

    The head holds :math:`(\mu, \ln\sigma^2)`, :math:`\sigma` from 1e-10 to 1e10. Exact KL per coordinate:
    :math:`\frac12(\mu^2 + \sigma^2 - 1 - \ln\sigma^2)` (Kingma & Welling 1312.6114, appendix B).

    >>> Normal(4), Normal(4).outputs
    (R4, 8)
    """

    symbol = "R"
    family = dist.Normal

    def __init__(self, dim: int) -> None:
        super().__init__(dim, outputs=2 * dim)

    def prior(self) -> dist.TorchDistribution:
        """Standard normal, event shape ``(d,)``."""
        zero = self._anchor.expand(self.dim)
        return dist.Normal(zero, zero + 1).to_event(1)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Normal with location and log variance from ``head`` ``(..., 2 d)``."""
        return normal_of(head)

    def narrowed(self, head: Tensor, width: Tensor) -> Tensor:
        r"""Return the head ``(..., 2 d)`` with :math:`\sigma` scaled by ``width`` ``(..., 1)``."""
        loc, log_variance = head.chunk(2, dim=-1)
        return torch.cat([loc, log_variance + 2 * width.log()], -1)
