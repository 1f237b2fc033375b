"""``S1``, ``T2``: von Mises posterior on circles, with exact reparametrised gradients."""

from __future__ import annotations

import math
from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import constraints, register_kl
from torch.distributions.utils import broadcast_all

from priors.constraints import circular
from priors.latent import Latent
from priors.polar import PolarAngle, largest_concentration

HEAD_SCALE = 10.0  # a head of order one is a posterior about 0.1 rad wide: near the uniform one the gradient vanishes


class VonMisesDistribution(dist.TorchDistribution):
    r"""Von Mises distribution of an angle, :math:`p(z) = e^{\kappa\cos(z - \mu)} / 2\pi I_0(\kappa)`.

    Its support is :data:`priors.constraints.circular`: any real angle, periodic.
    Draws invert the distribution function in a fixed number of steps and carry the implicit gradient
    (Figurnov et al. 1805.08498); see :class:`priors.polar.PolarAngle` for the accuracy.

    >>> _ = torch.manual_seed(0)
    >>> VonMisesDistribution(0.0, torch.tensor([0.1, 1e4])).rsample((2000,)).std(0)
    tensor([1.7339, 0.0102])

    Parameters
    ----------
    loc
        Mean direction in rad, any real.
    concentration
        :math:`\kappa \ge 0`; 0 is the uniform distribution, :math:`1/\sqrt\kappa` the width when narrow.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.nonnegative}  # noqa: RUF012
    support = circular
    has_rsample = True

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        self.polar = PolarAngle(self.concentration, 2)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """Mean direction in rad, ``(...)``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        r"""Circular variance :math:`1 - I_1(\kappa)/I_0(\kappa)`, one minus the mean resultant length, ``(...)``."""
        return self.polar.shortfall

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw angles in [-pi, pi] rad, ``(*sample_shape, ...)``, with gradients."""
        shape = self._extended_shape(sample_shape)
        u = torch.empty(shape, dtype=self.loc.dtype, device=self.loc.device).uniform_(-1, 1)
        return wrapped(self.loc + self.polar.quantile(u.abs()) * u.sign())

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density per rad, ``(...)``, at angles in rad; periodic."""
        if self._validate_args:
            self._validate_sample(value)
        gap = 2 * torch.sin((value - self.loc) / 2) ** 2
        return -self.concentration * gap - self.polar.log_normaliser - math.log(2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> VonMisesDistribution:
        """Return the distribution with a larger batch shape; the table of integrals is shared."""
        new = self._get_checked_instance(VonMisesDistribution, _instance)
        new.loc, new.concentration = self.loc.expand(batch_shape), self.concentration.expand(batch_shape)
        new.polar = self.polar
        super(VonMisesDistribution, new).__init__(torch.Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new


class CircularUniform(VonMisesDistribution):
    """The von Mises distribution of concentration 0."""


@register_kl(VonMisesDistribution, CircularUniform)
def _kl_von_mises_uniform(q: VonMisesDistribution, p: CircularUniform) -> Tensor:
    return q.polar.kl_to_uniform


@register_kl(VonMisesDistribution, VonMisesDistribution)
def _kl_von_mises(q: VonMisesDistribution, p: VonMisesDistribution) -> Tensor:
    mismatch = 1 - (1 - q.polar.shortfall) * torch.cos(q.loc - p.loc)
    return (
        p.concentration * mismatch
        - q.polar.concentration * q.polar.shortfall
        - q.polar.log_normaliser
        + p.polar.log_normaliser
    )


def wrapped(angle: Tensor) -> Tensor:
    """Return the angle, in rad and of any shape, in [-pi, pi].

    >>> wrapped(torch.tensor([3.0, 4.0]))
    tensor([ 3.0000, -2.2832])
    """
    return angle - 2 * math.pi * torch.round(angle.detach() / (2 * math.pi))


class VonMises(Latent):
    r"""d circles, each with a uniform prior (or a von Mises one about 0) and a von Mises posterior.

    The head holds :math:`(x, y)` per circle, all x first: mean direction :math:`atan2(y, x)`, and with
    :math:`\rho = 10\sqrt{x^2 + y^2}` mean resultant length :math:`R = \rho/\sqrt{1 + \rho^2}`, turned into
    :math:`\kappa = R (2 - R^2) / (1 - R^2)` (Banerjee et al., JMLR 6 (2005) 1345, eq. 4.4), at most
    :func:`priors.polar.largest_concentration`. The decoder sees :math:`(\cos z, \sin z)`. KL per angle, exact to
    rounding: :math:`\kappa A(\kappa) - \ln I_0(\kappa)` for the uniform prior, :math:`A = I_1/I_0`.

    >>> VonMises(1), VonMises(2, concentration=0.5), VonMises(2).features_size
    (S1, T2(concentration=0.5), 4)

    Raises
    ------
    ValueError
        The prior's concentration is negative or not finite.
    """

    symbol = "S"
    family = VonMisesDistribution
    kind = "angle"

    def __init__(self, dim: int, concentration: float = 0.0) -> None:
        options = {"concentration": float(concentration)} if concentration else {}
        super().__init__(dim, outputs=2 * dim, features=2 * dim, options=options)
        if not 0 <= concentration < math.inf:
            raise ValueError(f"a circle's prior concentration is a number >= 0, got {concentration}")
        self.concentration = float(concentration)

    @property
    def label(self) -> str:
        """``S1``, and ``T<d>`` for the torus of d circles."""
        return "S1" if self.dim == 1 else f"T{self.dim}"

    def prior(self) -> dist.TorchDistribution:
        """Von Mises about 0, uniform by default, event shape ``(d,)``."""
        family = VonMisesDistribution if self.concentration else CircularUniform
        return family(self._anchor, self._anchor + self.concentration).expand([self.dim]).to_event(1)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Von Mises from ``head`` ``(..., 2 d)``."""
        tiny = torch.finfo(head.dtype).eps  # the origin has no direction
        x, y = head.chunk(2, dim=-1)
        rho2 = HEAD_SCALE**2 * (x * x + y * y) + tiny**2
        concentration = ((rho2 / (1 + rho2)).sqrt() * (2 + rho2)).clamp(max=largest_concentration(head.dtype))
        return VonMisesDistribution(torch.atan2(y, x + tiny), concentration).to_event(1)

    def narrowed(self, head: Tensor, width: Tensor) -> Tensor:
        r"""Return the head ``(..., 2 d)`` with :math:`\rho` divided by ``width`` ``(..., 1)``."""
        return head / width

    def features(self, z: Tensor) -> Tensor:
        """Return all cosines, then all sines, ``(..., 2 d)``."""
        return torch.cat([z.cos(), z.sin()], dim=-1)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return the angles ``(..., d)`` in [-pi, pi] rad."""
        return wrapped(z)
