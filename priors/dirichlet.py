"""``D3``: Dirichlet prior and posterior on the simplex, hierarchical concentrations allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.nn.functional import softplus

from priors.latent import Latent

SMALLEST, LARGEST = 0.02, 1e3  # below, weights underflow even in float64; above, gradients lose their digits
SPARSEST = 1e-4  # of a prior, whose draws need no density


def concentrations(dim: int, alpha: float | Sequence[float]) -> tuple[float, ...]:
    """Return ``alpha`` as ``dim`` positive numbers, one number standing for all.

    Raises
    ------
    ValueError
        Too few components, a wrong number of concentrations, or one that is not positive.
    """
    values = (alpha,) * dim if isinstance(alpha, int | float) else tuple(alpha)
    values = tuple(float(a) for a in (values * dim if len(values) == 1 else values))
    if dim < 2:
        raise ValueError(f"a simplex needs at least 2 components, got {dim}")
    if len(values) != dim or not all(0 < a < float("inf") for a in values):
        raise ValueError(f"alpha needs 1 or {dim} positive numbers, got {values}")
    return values


class Simplex(Latent):
    """What the Dirichlet and its softmax-normal approximation share: K weights that sum to one."""

    kind = "simplex"
    _alpha: Tensor

    def __init__(self, dim: int, alpha: float | Sequence[float], *, outputs: int) -> None:
        values = concentrations(dim, alpha)
        short = values[:1] if len(set(values)) == 1 else values
        super().__init__(dim, outputs=outputs, options={} if short == (1.0,) else {"alpha": short})
        self.alpha = values
        self.register_buffer("_alpha", torch.tensor(values), persistent=False)


class DirichletDistribution(dist.Dirichlet):
    r"""Dirichlet distribution whose draws are float64 numbers, whatever its own dtype.

    Small weights are :math:`e^{-t}`, t exponential of mean 1/a: of three at a = 0.02 one in nine is below the smallest
    float32 number, and densities at what it is rounded to are wrong by tens of nats; below the smallest float64 one
    is one in a million.

    >>> q = DirichletDistribution(torch.tensor([0.02, 0.02]))
    >>> z = q.rsample()
    >>> z.dtype, q.log_prob(z).dtype
    (torch.float64, torch.float32)
    """

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw weights ``(*sample_shape, ..., K)`` in float64, with gradients."""
        return dist.Dirichlet(self.concentration.double(), validate_args=False).rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density at weights ``(..., K)``, in the dtype of the concentrations; shape ``(...)``."""
        return super().log_prob(value).to(self.concentration.dtype)


class SparseDirichletDistribution(DirichletDistribution):
    r"""Dirichlet distribution of concentrations so small that most weights are below the smallest number.

    Draws are the softmax of logarithms of Gamma draws, :math:`\ln G_a = \ln G_{a+1} + \ln(u)/a` (Marsaglia & Tsang
    2000), so that the largest weight is found where all Gamma draws underflow. Weights end at the smallest float64
    number: the density is that of other distributions' draws, not of its own.

    >>> _ = torch.manual_seed(0)
    >>> z = SparseDirichletDistribution(torch.full((3,), 1e-3)).sample((1000,))
    >>> float((z.amax(-1) > 0.9).double().mean()) > 0.98
    True
    """

    has_rsample = False

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw weights ``(*sample_shape, ..., K)`` in float64."""
        a = self.concentration.detach().double().expand(self._extended_shape(sample_shape))
        tiny = torch.finfo(a.dtype).tiny
        log_gamma = torch.distributions.Gamma(a + 1, 1.0, validate_args=False).sample().log()
        log_gamma = log_gamma + torch.rand_like(a).clamp(min=tiny).log() / a
        return log_gamma.softmax(-1).clamp(min=tiny)


class Dirichlet(Simplex):
    r"""The simplex of K mixture weights with :math:`p(z) = Dir(\alpha)` and :math:`q(z|x) = Dir(a(x))`.

    The head holds K reals h; :math:`a = 0.02 + softplus(h)`, at most 1000, so that a posterior does not reach a prior
    that is sparser than 0.02. Exact KL, one number per factor.
    Unequal ``alpha`` order the mixtures (Dillon et al., "Better latent spaces for better autoencoders").
    The site's value is a float64 number (see :class:`DirichletDistribution`); decoder and reports see the dtype of the
    module.

    >>> Dirichlet(3, alpha=(1, 0.25, 0.1))
    D3(alpha=1,0.25,0.1)

    Raises
    ------
    ValueError
        A concentration below 1e-4.
    """

    symbol = "D"
    family = DirichletDistribution

    def __init__(self, dim: int, alpha: float | Sequence[float] = 1.0) -> None:
        super().__init__(dim, alpha, outputs=dim)
        if min(self.alpha) < SPARSEST:
            raise ValueError(f"alpha of D{dim} is at least {SPARSEST}, got {min(self.alpha):g}")

    def prior(self) -> dist.TorchDistribution:
        """Dirichlet of the given concentrations, event shape ``(K,)``."""
        sparse = min(self.alpha) < SMALLEST
        return (SparseDirichletDistribution if sparse else DirichletDistribution)(self._alpha)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Dirichlet with concentrations from ``head`` ``(..., K)``."""
        return DirichletDistribution((SMALLEST + softplus(head)).clamp(max=LARGEST))

    def features(self, z: Tensor) -> Tensor:
        """Return the weights ``(..., K)`` in the dtype of the module."""
        return z.to(self._anchor)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return the weights ``(..., K)`` in the dtype of the module."""
        return z.to(self._anchor)
