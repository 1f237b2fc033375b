"""``L3``: the softmax of a Normal, Laplace's approximation of a Dirichlet."""

from __future__ import annotations

from collections.abc import Sequence

import pyro.distributions as dist
import torch
from torch import Tensor

from priors.dirichlet import Simplex
from priors.normal import normal_of


def laplace_approximation(alpha: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return mean and variance of the Normal on R^K whose softmax approximates :math:`Dir(\alpha)`.

    .. math::
        \mu_k = \ln\alpha_k - \frac1K\sum_j\ln\alpha_j, \qquad
        \sigma_k^2 = \frac1{\alpha_k}\Bigl(1 - \frac2K\Bigr) + \frac1{K^2}\sum_j\frac1{\alpha_j}

    ``alpha`` ``(..., K)``, both results ``(..., K)``. Srivastava & Sutton 1703.01488, eq. 3 (after MacKay 1998).

    >>> laplace_approximation(torch.tensor([0.9, 0.9]))
    (tensor([0., 0.]), tensor([0.5556, 0.5556]))
    """
    k = alpha.shape[-1]
    log_alpha, inverse = alpha.log(), alpha.reciprocal()
    mean = log_alpha - log_alpha.mean(-1, keepdim=True)
    variance = inverse * (1 - 2 / k) + inverse.sum(-1, keepdim=True) / k**2
    return mean, variance


class SoftmaxNormal(Simplex):
    r"""K mixture weights softmax(z), z Normal on R^K: the latent space of the authors' Dirichlet VAE.

    Prior mean and variance are :func:`laplace_approximation` of ``alpha``; the head holds :math:`(\mu, \ln\sigma^2)`.
    The site's value is z; the decoder sees the weights. Exact KL per component of z.
    It is no Dirichlet of these ``alpha``: narrower, and of other mean weights, (.57, .26, .18) for (.74, .19, .07) at
    alpha = (1, .25, .1); see :mod:`analysis.measures.simplex_priors`.

    >>> SoftmaxNormal(2, alpha=0.9)
    L2(alpha=0.9)
    """

    symbol = "L"
    family = dist.Normal
    _loc: Tensor
    _scale: Tensor

    def __init__(self, dim: int, alpha: float | Sequence[float] = 1.0) -> None:
        super().__init__(dim, alpha, outputs=2 * dim)
        mean, variance = laplace_approximation(torch.tensor(self.alpha, dtype=torch.float64))
        self.register_buffer("_loc", mean.float(), persistent=False)
        self.register_buffer("_scale", variance.sqrt().float(), persistent=False)

    def prior(self) -> dist.TorchDistribution:
        """Normal that approximates the Dirichlet, event shape ``(K,)``."""
        return dist.Normal(self._loc, self._scale).to_event(1)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Normal with location and log variance from ``head`` ``(..., 2 K)``."""
        return normal_of(head)

    def features(self, z: Tensor) -> Tensor:
        """Return the mixture weights ``(..., K)``."""
        return z.softmax(-1)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return the mixture weights ``(..., K)``."""
        return z.softmax(-1)
