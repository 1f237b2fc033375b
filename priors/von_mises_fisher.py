"""``S2(posterior=vmf)``: von Mises-Fisher posterior."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import register_kl

from priors.polar import PolarAngle
from priors.sphere import DirectionDistribution, Sphere, SphereUniform, log_area


class VonMisesFisherDistribution(DirectionDistribution):
    r"""Von Mises-Fisher distribution, :math:`p(z) \propto e^{\kappa\,\mu\cdot z}` on the unit sphere of R^m.

    Draws invert the distribution function of the angle to :math:`\mu` and carry its implicit gradient: unbiased,
    unlike the acceptance-rejection one of Davidson et al. (1804.00891) without its correction term.

    >>> q = VonMisesFisherDistribution(torch.tensor([0.0, 0.0, 1.0]), 10.0)
    >>> q.rsample((4,)).shape, q.mean
    (torch.Size([4, 3]), tensor([0.0000, 0.0000, 0.9000]))
    """

    @property
    def _angle(self) -> PolarAngle:
        if "_polar_angle" not in self.__dict__:
            self._polar_angle = PolarAngle(self.concentration, self.event_shape[0])
        return self._polar_angle

    @property
    def mean(self) -> Tensor:
        r"""Mean vector :math:`\mu I_{m/2}(\kappa)/I_{m/2-1}(\kappa)`, ``(..., m)``."""
        return self.loc * (1 - self._angle.shortfall).unsqueeze(-1)

    def polar(self, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Draw the cosine and sine of the angle to the mean direction, each of ``shape``."""
        theta = self._angle.quantile(torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))
        return theta.cos(), theta.sin()

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density per unit area of the sphere, ``(...)``, at unit vectors ``(..., m)``."""
        if self._validate_args:
            self._validate_sample(value)
        gap = ((value - self.loc) ** 2).sum(-1) / 2
        return -self.concentration * gap - self._angle.log_normaliser - log_area(self.event_shape[0] - 1)


@register_kl(VonMisesFisherDistribution, SphereUniform)
def _kl_von_mises_fisher_uniform(q: VonMisesFisherDistribution, p: SphereUniform) -> Tensor:
    return q._angle.kl_to_uniform


class VonMisesFisher(Sphere):
    r"""S^k with a von Mises-Fisher posterior, :math:`\kappa = R (m - R^2)/(1 - R^2)`, m = k + 1.

    R is the mean resultant length (Banerjee et al., JMLR 6 (2005) 1345, eq. 4.4). KL, one number, exact to
    rounding (see :class:`priors.polar.PolarAngle`).

    >>> VonMisesFisher(2)
    S2(posterior=vmf)
    """

    family = VonMisesFisherDistribution

    def __init__(self, dim: int) -> None:
        super().__init__(dim, {"posterior": "vmf"})

    def concentration(self, rho2: Tensor) -> Tensor:
        r"""Return :math:`\rho (m + (m - 1)\rho^2) / \sqrt{1 + \rho^2}`, the shape of ``rho2``."""
        return (rho2 / (1 + rho2)).sqrt() * (self.dim + 1 + self.dim * rho2)
