"""``D3``: Dirichlet prior and posterior on the simplex, hierarchical concentrations allowed."""

from __future__ import annotations

from collections.abc import Sequence

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.nn.functional import softplus

from priors.latent import Latent

SMALLEST, LARGEST = 0.02, 1e3  # below, float32 draws collapse onto the centre; above, gradients lose all digits


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


class Dirichlet(Simplex):
    r"""The simplex of K mixture weights with :math:`p(z) = Dir(\alpha)` and :math:`q(z|x) = Dir(a(x))`.

    The head holds K reals h; :math:`a = 0.02 + softplus(h)`, at most 1000. Exact KL, one number per factor.
    Unequal ``alpha`` order the mixtures (Dillon et al., "Better latent spaces for better autoencoders").

    >>> Dirichlet(3, alpha=(1, 0.25, 0.1))
    D3(alpha=1,0.25,0.1)

    Raises
    ------
    ValueError
        A concentration below 0.02, whose draws no float32 number holds.
    """

    symbol = "D"
    family = dist.Dirichlet

    def __init__(self, dim: int, alpha: float | Sequence[float] = 1.0) -> None:
        super().__init__(dim, alpha, outputs=dim)
        if min(self.alpha) < SMALLEST:
            raise ValueError(
                f"alpha of D{dim} is at least {SMALLEST}, got {min(self.alpha):g}: draws of smaller ones fall onto the "
                "centre in float32"
            )

    def prior(self) -> dist.TorchDistribution:
        """Dirichlet of the given concentrations, event shape ``(K,)``."""
        return dist.Dirichlet(self._alpha)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Dirichlet with concentrations from ``head`` ``(..., K)``."""
        return dist.Dirichlet((SMALLEST + softplus(head)).clamp(max=LARGEST))
