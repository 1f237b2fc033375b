"""``H2``: hyperbolic space, where trees embed without distortion, with wrapped normals."""

from __future__ import annotations

import math
from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import constraints

from priors.latent import Latent

FARTHEST = 6.0  # rapidity of a posterior's centre: float32 still resolves widths of 0.01 there
ROUNDING = 4.0  # roundings that make the finest width: below, draws of one posterior fall onto one another
WIDEST = 4.0  # and its width: beyond, squares of the hyperboloid's components overflow float32


class WrappedNormal(dist.TorchDistribution):
    r"""Wrapped normal on the hyperboloid :math:`z_0^2 - |z|^2 = 1` (Nagano et al. 1902.02992), boosted to its centre.

    The value is :math:`z \in R^d`, the hyperboloid's spatial components. A tangent vector
    :math:`v \sim N(0, \sigma)` at the origin goes to :math:`w = \sinh|v|\,v/|v|`, and a Lorentz boost by the centre
    :math:`\mu` (which is parallel transport along the geodesic) takes w to z. Density per :math:`d^dz`:

    .. math::
        \ln p(z) = \ln N(v; 0, \sigma) - (d - 1)\ln\frac{\sinh|v|}{|v|} - \ln z_0

    >>> q = WrappedNormal(torch.tensor([1.0, 0.0]), torch.ones(2))
    >>> q.rsample((4,)).shape, q.log_prob(torch.sinh(torch.tensor([1.0, 0.0])))  # the centre: ln N(0) - ln cosh 1
    (torch.Size([4, 2]), tensor(-2.2717))

    Parameters
    ----------
    loc
        Centre as a tangent vector at the origin, ``(..., d)``; its length is the rapidity.
    scale
        Standard deviations along the axes of the tangent space, ``(..., d)``.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, scale: Tensor, validate_args: bool | None = None) -> None:
        self.loc, self.scale = torch.broadcast_tensors(loc, scale)
        super().__init__(self.loc.shape[:-1], self.loc.shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw the spatial components ``(*sample_shape, ..., d)`` of points, with gradients."""
        shape = self._extended_shape(sample_shape)
        v = self.scale * torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return boost(exponential_map(v), exponential_map(self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log density per :math:`d^dz` of points ``(..., d)``; shape ``(...)``."""
        if self._validate_args:
            self._validate_sample(value)
        v, log_stretch = logarithmic_map(boost(value, -exponential_map(self.loc)))
        normal = dist.Normal(torch.zeros_like(self.scale), self.scale, validate_args=False).log_prob(v).sum(-1)
        return normal - (value.shape[-1] - 1) * log_stretch - time(value).squeeze(-1).log()

    def expand(self, batch_shape: Any, _instance: Any = None) -> WrappedNormal:
        """Return the distribution with a larger batch shape."""
        shape = (*batch_shape, -1)
        return WrappedNormal(self.loc.expand(shape), self.scale.expand(shape), validate_args=self._validate_args)


class Hyperbolic(Latent):
    r"""Hyperbolic space H^d of curvature -1, a standard wrapped normal about the origin as prior.

    The head holds a tangent vector (rapidity r at most 6) and :math:`\ln\sigma^2` (:math:`\sigma` at most 4, and at
    least :math:`4\epsilon\cosh^2 r`, what the dtype's rounding leaves of a width there).
    Decoder and reports see the Poincare ball, :math:`z/(1 + z_0)`. KL by Monte Carlo, one number. Nagano et al.
    1902.02992; Mathieu et al. 1901.06033 for the ball.

    >>> Hyperbolic(2), Hyperbolic(2).outputs
    (H2, 4)
    """

    symbol = "H"
    family = WrappedNormal

    def __init__(self, dim: int) -> None:
        super().__init__(dim, outputs=2 * dim)

    def prior(self) -> dist.TorchDistribution:
        """Wrapped normal about the origin, event shape ``(d,)``."""
        zero = self._anchor.expand(self.dim)
        return WrappedNormal(zero, zero + 1)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Wrapped normal from ``head`` ``(..., 2 d)``."""
        vector, log_variance = head.chunk(2, dim=-1)
        rapidity = length(vector)
        scale = (log_variance / 2).clamp(max=math.log(WIDEST)).exp()
        reached = FARTHEST * torch.tanh(rapidity / FARTHEST)
        finest = ROUNDING * torch.finfo(head.dtype).eps * torch.cosh(reached.detach()) ** 2
        return WrappedNormal(vector * (reached / rapidity), scale.maximum(finest))

    def features(self, z: Tensor) -> Tensor:
        """Return the point of the Poincare ball, ``(..., d)``."""
        return poincare(z)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return the point of the Poincare ball, ``(..., d)``."""
        return poincare(z)

    def point(self, posterior: Any) -> Tensor:
        """Return the centre in the Poincare ball, ``(..., d)``."""
        return poincare(exponential_map(posterior.loc))


def length(vector: Tensor) -> Tensor:
    """Return the norm ``(..., 1)``, positive and smooth at the origin."""
    return ((vector**2).sum(-1, keepdim=True) + torch.finfo(vector.dtype).eps ** 2).sqrt()


def time(z: Tensor) -> Tensor:
    """Return the time component :math:`z_0`, ``(..., 1)``."""
    return ((z**2).sum(-1, keepdim=True) + 1).sqrt()


def boost(z: Tensor, by: Tensor) -> Tensor:
    """Lorentz-boost a point by the velocity that takes the origin to ``by``; all ``(..., d)``.

    >>> boost(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    return z + by * ((by * z).sum(-1, keepdim=True) / (1 + time(by)) + time(z))


def exponential_map(v: Tensor) -> Tensor:
    r"""Return the end :math:`\sinh|v|\,v/|v|` of the geodesic from the origin along ``v`` ``(..., d)``."""
    r = length(v)
    return v * (torch.sinh(r) / r)


def logarithmic_map(w: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tangent vector ``(..., d)`` that leads to ``w``, and ln(sinh r / r) of its length r, ``(...)``.

    >>> v, _ = logarithmic_map(exponential_map(torch.tensor([0.3, -0.4])))
    >>> v
    tensor([ 0.3000, -0.4000])
    """
    sinh = length(w)
    stretch = sinh / torch.asinh(sinh)
    return w / stretch, stretch.squeeze(-1).log()


def poincare(z: Tensor) -> Tensor:
    """Return the point :math:`z/(1 + z_0)` of the unit ball, ``(..., d)``, for one of the hyperboloid."""
    return z / (1 + time(z))
