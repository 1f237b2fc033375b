"""``G2:3``: R^2 with a mixture of 3 normals as prior, learned; or ``G2:3(apart=8)``, fixed."""

from __future__ import annotations

import pyro.distributions as dist
import torch
from torch import Tensor, nn

from priors.normal import Normal

FARTHEST = 1e6
"""Farthest that the means of a fixed mixture stand from one another."""


class GaussianMixture(Normal):
    r"""R^d with :math:`p(z) = \sum_c \pi_c N(\mu_c, \sigma_c)`, and a Normal posterior.

    All learned, or fixed: equal weights, unit widths, means in a row along the diagonal. A learned mixture follows the
    jets, wide and overlapping if they are; a fixed one makes them choose. KL by Monte Carlo, one number (the GMVAE of
    Dillon et al. 2104.08291 with the category summed out).

    >>> prior = GaussianMixture(2, 3)
    >>> prior, prior.responsibilities(torch.zeros(5, 2)).shape
    (G2:3, torch.Size([5, 3]))
    >>> GaussianMixture(1, 2, apart=8).loc.T
    tensor([[-4.,  4.]])

    Parameters
    ----------
    dim
        d.
    components
        Number of normals, at least 1; their means start at draws of a standard normal.
    apart
        Distance in every coordinate between the means of one normal and the next, if they are fixed.

    Raises
    ------
    ValueError
        ``components`` is not a whole number of at least 1.
    """

    symbol = "G"
    logits: Tensor
    loc: Tensor
    log_scale: Tensor

    def __init__(self, dim: int, components: int = 2, apart: float | None = None) -> None:
        super().__init__(dim)
        if not isinstance(components, int) or components < 1:
            raise ValueError(f"a Gaussian mixture needs a whole number of components >= 1, got {components!r}")
        if apart is not None and not (isinstance(apart, int | float) and 0 <= apart <= FARTHEST):
            raise ValueError(f"apart is a number from 0 to {FARTHEST:g}, got {apart!r}")
        self.components, self.apart = components, apart
        flat, unit = torch.zeros(components), torch.zeros(components, dim)
        if apart is None:
            self.logits, self.log_scale = nn.Parameter(flat), nn.Parameter(unit)
            self.loc = nn.Parameter(torch.randn(components, dim))
        else:
            row = apart * (torch.arange(components) - (components - 1) / 2)
            for name, value in (("logits", flat), ("log_scale", unit), ("loc", row[:, None].repeat(1, dim))):
                self.register_buffer(name, value)

    def prior(self) -> dist.TorchDistribution:
        """Mixture of normals, event shape ``(d,)``."""
        components = dist.Normal(self.loc, self.log_scale.exp()).to_event(1)
        return dist.MixtureSameFamily(dist.Categorical(logits=self.logits), components)

    def responsibilities(self, z: Tensor) -> Tensor:
        r"""Return :math:`p(c|z) \propto \pi_c N(z; \mu_c, \sigma_c)`, ``(..., components)``, for z ``(..., d)``."""
        components = dist.Normal(self.loc, self.log_scale.exp()).to_event(1)
        return (self.logits.log_softmax(-1) + components.log_prob(z.unsqueeze(-2))).softmax(-1)

    def __str__(self) -> str:
        return f"{self.label}:{self.components}" + ("" if self.apart is None else f"(apart={self.apart:g})")

    __repr__ = __str__
