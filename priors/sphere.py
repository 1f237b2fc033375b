"""What the spheres ``S2``, ``S3``, ... share: uniform prior, encoder head, draws about a mean direction."""

from __future__ import annotations

import math
from typing import Any

import pyro.distributions as dist
import torch
from pyro.distributions import constraints
from torch import Tensor
from torch.nn.functional import normalize

from priors.latent import Latent
from priors.polar import largest_concentration
from priors.von_mises import HEAD_SCALE


def log_area(dim: int) -> float:
    r"""Return the log of the area :math:`2\pi^{m/2}/\Gamma(m/2)` of the unit sphere in :math:`R^m`, m >= 1.

    >>> round(math.exp(log_area(3)) / math.pi, 6)
    4.0
    """
    return math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)


class SphereUniform(dist.TorchDistribution):
    """Uniform distribution on the unit sphere in R^m; event shape ``(m,)``.

    >>> SphereUniform(torch.zeros(3)).sample((5,)).shape
    torch.Size([5, 3])

    Parameters
    ----------
    centre
        ``(m,)`` zeros: gives the dimension, dtype and device.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.sphere

    def __init__(self, centre: Tensor, batch_shape: Any = torch.Size(), validate_args: bool | None = None) -> None:
        self.centre = centre
        super().__init__(torch.Size(batch_shape), centre.shape, validate_args=validate_args)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw unit vectors ``(*sample_shape, ..., m)``."""
        shape = self._extended_shape(sample_shape)
        return normalize(torch.randn(shape, dtype=self.centre.dtype, device=self.centre.device), dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density per unit area, minus that of the sphere, ``(...)``, at unit vectors ``(..., m)``."""
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        return (self.centre.sum() - log_area(len(self.centre))).expand(shape)

    def expand(self, batch_shape: Any, _instance: Any = None) -> SphereUniform:
        """Return the distribution with another batch shape."""
        return SphereUniform(self.centre, batch_shape, validate_args=self._validate_args)


class DirectionDistribution(dist.TorchDistribution):
    r"""A distribution on the unit sphere of R^m that depends on the angle to its mean direction only.

    Parameters
    ----------
    loc
        Mean direction, unit vectors ``(..., m)``, m >= 2.
    concentration
        :math:`\kappa \ge 0`, ``(...)``; 0 is uniform.
    """

    arg_constraints = {"loc": constraints.sphere, "concentration": constraints.nonnegative}  # noqa: RUF012
    support = constraints.sphere
    has_rsample = True

    def __init__(self, loc: Tensor, concentration: Any, validate_args: bool | None = None) -> None:
        concentration = torch.as_tensor(concentration, dtype=loc.dtype, device=loc.device)
        batch = torch.broadcast_shapes(loc.shape[:-1], concentration.shape)
        self.loc, self.concentration = loc.expand(*batch, loc.shape[-1]), concentration.expand(batch)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)

    def polar(self, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Draw the cosine and sine of the angle to the mean direction, each of ``shape``; a family says how."""
        raise NotImplementedError

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        r"""Draw :math:`\cos\theta\,\mu + \sin\theta\,v` ``(*sample_shape, ..., m)``, with gradients.

        v is a uniform unit tangent that moves with :math:`\mu`.
        """
        shape = self._extended_shape(sample_shape)
        cos, sin = self.polar(shape[:-1])
        with torch.no_grad():
            noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
            tangent = normalize(noise - (noise * self.loc).sum(-1, keepdim=True) * self.loc, dim=-1)
        # Parallel transport: the tangent turns only as far as loc does, and adds no noise to the gradient.
        tangent = tangent - (tangent * self.loc).sum(-1, keepdim=True) * self.loc
        return normalize(cos.unsqueeze(-1) * self.loc + sin.unsqueeze(-1) * tangent, dim=-1)

    def expand(self, batch_shape: Any, _instance: Any = None) -> DirectionDistribution:
        """Return the distribution with a larger batch shape."""
        loc, concentration = self.loc.expand(*batch_shape, -1), self.concentration.expand(batch_shape)
        return type(self)(loc, concentration, validate_args=self._validate_args)


class Sphere(Latent):
    r"""The sphere S^k in R^m, m = k + 1, uniform prior.

    The head holds a vector h in R^m: mean direction ``h/|h|``, and with :math:`\rho = 10 |h|` mean resultant
    length :math:`R = \rho/\sqrt{1 + \rho^2}`, from which a family takes its concentration, at most
    :func:`priors.polar.largest_concentration` (1.7e10 in float32, a width of 8e-6 rad).
    The decoder sees the unit vector.
    """

    symbol = "S"
    kind = "direction"

    def __init__(self, dim: int, options: dict[str, Any] | None = None) -> None:
        super().__init__(dim, outputs=dim + 1, features=dim + 1, options=options)

    @property
    def coordinate_count(self) -> int:
        """The m components of the unit vector."""
        return self.dim + 1

    def concentration(self, rho2: Tensor) -> Tensor:
        r"""Return the concentration from :math:`\rho^2`, of its shape; a family says how."""
        raise NotImplementedError

    def prior(self) -> dist.TorchDistribution:
        """Uniform, event shape ``(m,)``."""
        return SphereUniform(self._anchor.expand(self.dim + 1))

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Distribution about a mean direction from ``head`` ``(..., m)``."""
        vector = away_from_origin(head)
        concentration = self.concentration(HEAD_SCALE**2 * (vector**2).sum(-1))
        return self.family(normalize(vector, dim=-1), concentration.clamp(max=largest_concentration(head.dtype)))

    def point(self, posterior: Any) -> Tensor:
        """Return the mean direction ``(..., m)``."""
        return posterior.loc


def away_from_origin(vector: Tensor) -> Tensor:
    """Return ``vector`` ``(..., m)`` moved 1e-7 along the first axis: the origin has no direction."""
    axis = vector.new_full((1,), 1e-7)
    return vector + torch.nn.functional.pad(axis, (0, vector.shape[-1] - 1))
