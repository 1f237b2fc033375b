"""``G2:3``: R^2 with a learned mixture of 3 normals as prior."""

from __future__ import annotations

import pyro.distributions as dist
import torch
from torch import Tensor, nn

from priors.normal import Normal


class GaussianMixture(Normal):
    r"""R^d with :math:`p(z) = \sum_c \pi_c N(\mu_c, \sigma_c)`, all learned, and a Normal posterior.

    KL by Monte Carlo, one number (the GMVAE of Dillon et al. 2104.08291 with the category summed out).

    >>> prior = GaussianMixture(2, 3)
    >>> prior, prior.responsibilities(torch.zeros(5, 2)).shape
    (G2:3, torch.Size([5, 3]))

    Parameters
    ----------
    dim
        d.
    components
        Number of normals, at least 1; their means start at draws of a standard normal.
    """

    symbol = "G"

    def __init__(self, dim: int, components: int = 2) -> None:
        super().__init__(dim)
        if not isinstance(components, int) or components < 1:
            raise ValueError(f"a Gaussian mixture needs a whole number of components >= 1, got {components!r}")
        self.components = components
        self.logits = nn.Parameter(torch.zeros(components))
        self.loc = nn.Parameter(torch.randn(components, dim))
        self.log_scale = nn.Parameter(torch.zeros(components, dim))

    def prior(self) -> dist.TorchDistribution:
        """Mixture of normals, event shape ``(d,)``."""
        components = dist.Normal(self.loc, self.log_scale.exp()).to_event(1)
        return dist.MixtureSameFamily(dist.Categorical(logits=self.logits), components)

    def responsibilities(self, z: Tensor) -> Tensor:
        r"""Return :math:`p(c|z) \propto \pi_c N(z; \mu_c, \sigma_c)`, ``(..., components)``, for z ``(..., d)``."""
        components = dist.Normal(self.loc, self.log_scale.exp()).to_event(1)
        return (self.logits.log_softmax(-1) + components.log_prob(z.unsqueeze(-2))).softmax(-1)

    def __str__(self) -> str:
        return f"{self.label}:{self.components}"

    __repr__ = __str__
