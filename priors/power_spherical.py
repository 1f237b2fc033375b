"""``S2``, ``S3``, ...: power spherical posterior."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import register_kl

from priors.sphere import DirectionDistribution, Sphere, SphereUniform, log_area

NARROW = 200.0  # alpha / beta above which a Beta draw is that of a Gamma one, to 1e-5
LARGE = 1e8  # concentration above which differences of lgamma are their first term, to 1e-11


class PowerSphericalDistribution(DirectionDistribution):
    r"""Power spherical distribution, :math:`p(z) \propto (1 + \mu\cdot z)^\kappa` (De Cao & Aziz 2006.04437).

    :math:`(1 + \mu\cdot z)/2` is Beta with :math:`\alpha = (m-1)/2 + \kappa` and :math:`\beta = (m-1)/2`:
    no rejection, and every integral is closed.

    >>> q = PowerSphericalDistribution(torch.tensor([0.0, 0.0, 1.0]), 10.0)
    >>> q.rsample((4,)).shape, q.mean
    (torch.Size([4, 3]), tensor([0.0000, 0.0000, 0.8333]))
    """

    @property
    def mean(self) -> Tensor:
        r"""Mean vector :math:`\mu\,\kappa/(\kappa + m - 1)`, ``(..., m)``."""
        return self.loc * (self.concentration / (self.concentration + self.k)).unsqueeze(-1)

    @property
    def k(self) -> int:
        """Dimension of the sphere, m - 1."""
        return int(self.event_shape[0]) - 1  # a number for tracers too

    def polar(self, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Draw the cosine and sine of the angle to the mean direction, each of ``shape``."""
        near, far = _beta((self.concentration + self.k / 2).expand(shape), self.k / 2)
        sin = 2 * (near * far).clamp(min=torch.finfo(near.dtype).tiny).sqrt()
        return (near - far).to(self.loc), sin.to(self.loc)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density per unit area of the sphere, ``(...)``, at unit vectors ``(..., m)``."""
        if self._validate_args:
            self._validate_sample(value)
        # 1 + mu z is 2 - |z - mu|^2 / 2 and |z + mu|^2 / 2: near either pole one of them keeps its digits
        near, far = ((value - self.loc) ** 2).sum(-1) / 4, ((value + self.loc) ** 2).sum(-1) / 4
        tiny = torch.finfo(value.dtype).tiny
        log_closeness = torch.where(near < 0.5, torch.log1p(-near.clamp(max=0.5)), far.clamp(min=tiny).log())
        return self.concentration * log_closeness - self.log_normaliser

    @property
    def log_normaliser(self) -> Tensor:
        r"""Log of the integral of :math:`((1 + \mu\cdot z)/2)^\kappa` over the sphere, ``(...)``."""
        return _log_gamma_ratio(self.concentration, self.k / 2) + self.k / 2 * math.log(4 * math.pi)


@register_kl(PowerSphericalDistribution, SphereUniform)
def _kl_power_spherical_uniform(q: PowerSphericalDistribution, p: SphereUniform) -> Tensor:
    mean_log = _digamma_difference(q.concentration, q.k / 2)
    return q.concentration * mean_log - q.log_normaliser + log_area(q.k + 1)


def _log_gamma_ratio(kappa: Tensor, beta: float) -> Tensor:
    r"""Return :math:`\ln\Gamma(\kappa + \beta) - \ln\Gamma(\kappa + 2\beta)` without cancellation."""
    if beta.is_integer():
        return -torch.stack([torch.log(kappa + beta + j) for j in range(int(beta))]).sum(0)
    wide = kappa.double()  # float32 would lose every digit of the difference, and float64 does in the end
    difference = torch.lgamma(wide + beta) - torch.lgamma(wide + 2 * beta)
    return torch.where(wide > LARGE, -beta * (wide + (3 * beta - 1) / 2).log(), difference).to(kappa)


def _digamma_difference(kappa: Tensor, beta: float) -> Tensor:
    r"""Return :math:`\psi(\kappa + \beta) - \psi(\kappa + 2\beta)` without cancellation."""
    if beta.is_integer():
        return -torch.stack([1 / (kappa + beta + j) for j in range(int(beta))]).sum(0)
    wide = kappa.double()
    difference = torch.digamma(wide + beta) - torch.digamma(wide + 2 * beta)
    return torch.where(wide > LARGE, -beta / (wide + (3 * beta - 1) / 2), difference).to(kappa)


def _beta(alpha: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    r"""Draw b from Beta(alpha, beta) and return b and 1 - b, both to full relative precision, float64 where needed.

    The gradient is the implicit one. torch's has no digits at large concentrations, where
    :math:`-(\alpha + (\beta - 1)/2) \ln b` is Gamma distributed, to a relative :math:`(\beta/\alpha)^2`.
    """
    if beta == 1:
        log_near = torch.rand_like(alpha).clamp(min=torch.finfo(alpha.dtype).tiny).log() / alpha
        return log_near.exp(), -torch.expm1(log_near)
    wide = alpha.double()
    large = wide > NARROW * beta
    pair = torch.stack([torch.where(large, wide.detach(), wide), torch.full_like(wide, beta)], -1)
    near, far = torch.distributions.Dirichlet(pair, validate_args=False).rsample().unbind(-1)
    scale = wide + (beta - 1) / 2
    log_near = torch.log1p(-far.detach()) * (scale.detach() / scale)
    return torch.where(large, log_near.exp(), near), torch.where(large, -torch.expm1(log_near), far)


class PowerSpherical(Sphere):
    r"""S^k with a power spherical posterior, :math:`\kappa = k R/(1 - R)`, R the mean resultant length.

    Exact KL, one number: :math:`\kappa(\psi(\alpha) - \psi(\alpha+\beta)) - \ln(N/A)`
    with N the integral of :math:`((1 + \mu\cdot z)/2)^\kappa` and A the sphere's area (De Cao & Aziz 2006.04437).

    >>> PowerSpherical(2), PowerSpherical(1), PowerSpherical(2).coordinate_count
    (S2, S1(posterior=power), 3)
    """

    family = PowerSphericalDistribution

    def __init__(self, dim: int) -> None:
        super().__init__(dim, {"posterior": "power"} if dim == 1 else None)

    def concentration(self, rho2: Tensor) -> Tensor:
        r"""Return :math:`k \rho (\sqrt{1 + \rho^2} + \rho)`, the shape of ``rho2``."""
        return self.dim * ((rho2 * (1 + rho2)).sqrt() + rho2)
