"""The polar angle of a von Mises-Fisher direction: normaliser, moments and exact reparametrised draws."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Precision(NamedTuple):
    """What a dtype's rounding asks of the integrals."""

    width: float
    """Standard deviations to cover: what lies beyond weighs less than rounding."""
    table: int
    """Gauss-Legendre nodes over the whole range."""
    step: int
    """Nodes from 0 to a draw."""


SINGLE, DOUBLE = Precision(6.0, 14, 9), Precision(8.5, 24, 16)  # on the circle
STEPS = 2


class IntegralTable(NamedTuple):
    """Integrals over the whole range, each of the shape of the concentration."""

    top: Tensor
    """Largest angle with weight above rounding."""
    densities: tuple[Tensor, ...]
    """Unnormalised density at each node."""
    total: Tensor
    """Their weighted sum."""
    shortfall: Tensor
    r""":math:`E[1 - \cos\theta]`."""
    variance: Tensor
    r"""Variance of :math:`\cos\theta`."""


class PolarAngle:
    r"""The angle :math:`\theta` between a direction on the unit sphere of :math:`R^m` and its mean.

    .. math::
        p(\theta) = \frac1Z e^{-\kappa (1 - \cos\theta)} \sin^{m-2}\theta, \qquad 0 \le \theta \le \pi

    Every integral is a Gauss-Legendre sum over the angles that carry weight, so nothing cancels and nothing depends on
    the data: for any :math:`\kappa \ge 0` the relative error of normaliser and moments is below 1e-9 in float64 and
    1e-6 in float32. First derivatives only. Loops run over
    nodes, not over a further dimension of the tensors: temporaries stay in the cache, a compiler fuses them.

    >>> angle = PolarAngle(torch.tensor(1.0), 3)
    >>> round(float(angle.shortfall), 4)  # 1 - (coth 1 - 1)
    0.687

    Parameters
    ----------
    concentration
        :math:`\kappa \ge 0`, any shape.
    dim
        m >= 2, the dimension of the space around the sphere.
    """

    def __init__(self, concentration: Tensor, dim: int) -> None:
        self.concentration, self.dim = concentration, dim

    @cached_property
    def log_normaliser(self) -> Tensor:
        r""":math:`\ln Z`, shape of the concentration; :math:`d\ln Z/d\kappa = -E[1 - \cos\theta]`."""
        return linear((self._table.total * self._table.top).log(), -self._table.shortfall, self.concentration)

    @cached_property
    def shortfall(self) -> Tensor:
        r""":math:`E[1 - \cos\theta]`, shape of the concentration; its derivative is minus a variance."""
        return linear(self._table.shortfall, -self._table.variance, self.concentration)

    @property
    def kl_to_uniform(self) -> Tensor:
        r"""KL from the uniform direction in nats, :math:`-\kappa E[1 - \cos\theta] - \ln Z(\kappa) + \ln Z(0)`."""
        log_uniform = math.lgamma((self.dim - 1) / 2) - math.lgamma(self.dim / 2) + math.log(math.pi) / 2
        return log_uniform - self.concentration * self.shortfall - self.log_normaliser

    def quantile(self, u: Tensor) -> Tensor:
        r"""Return the angle with :math:`P(\theta' \le \theta) = u`, differentiable in the concentration.

        ``u`` in [0, 1], shape ``(*draws, *concentration.shape)``. Two Halley steps from an interpolated table;
        :math:`d\theta/d\kappa = -(\partial F/\partial\kappa) / p(\theta)` (Figurnov et al. 1805.08498, eq. 7).
        """
        with torch.no_grad():
            theta = self._interpolated(u)
            for _ in range(STEPS):
                theta, slope = self._halley(theta, u)
        return linear(theta, slope, self.concentration)

    @cached_property
    def _precision(self) -> Precision:
        base, extra = DOUBLE if self.concentration.dtype == torch.float64 else SINGLE, self.dim - 2
        return Precision(base.width + 0.7 * math.sqrt(extra), base.table + extra, base.step + extra)

    @cached_property
    def _table(self) -> IntegralTable:
        with torch.no_grad():
            kappa, power = self.concentration.detach(), self.dim / 2 - 1
            top = 2 * torch.asin((self._precision.width / 2 * kappa.clamp(min=1e-30).rsqrt()).clamp(max=1))
            exponent, densities = -2 * kappa, []
            total, first, second = torch.zeros_like(top), torch.zeros_like(top), torch.zeros_like(top)
            for node, weight in legendre(self._precision.table):
                y = (top * (node / 2)).sin_().square_()  # (1 - cos theta) / 2
                density = (exponent * y).exp_()
                if power:
                    density *= (4 * y * (1 - y)) ** power
                densities.append(density)
                total.add_(density, alpha=weight)
                moment = density * y
                first.add_(moment, alpha=weight)
                second.add_(moment * y, alpha=weight)
            shortfall = 2 * first / total
            return IntegralTable(top, tuple(densities), total, shortfall, 4 * second / total - shortfall**2)

    def _interpolated(self, u: Tensor) -> Tensor:
        """Invert the tabulated distribution function, linear in theta^(m-1) within each node's cell."""
        table, power = self._table, self.dim - 1
        remaining, edge = u * table.total, 0.0
        volume = torch.zeros_like(remaining)
        for density, (_, weight) in zip(table.densities, legendre(self._precision.table), strict=True):
            share = (remaining / density).clamp(0, weight)
            volume.add_(share, alpha=((edge + weight) ** power - edge**power) / weight)
            remaining.sub_(density, alpha=weight)
            edge += weight
        return table.top * (volume if power == 1 else volume ** (1 / power))

    def _halley(self, theta: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return the angle after one step towards P(theta) = u, and its derivative in the concentration."""
        kappa, table, power = self.concentration.detach(), self._table, self.dim / 2 - 1
        theta = theta.clamp(min=torch.finfo(u.dtype).eps ** 2).minimum(table.top)
        here, exponent = torch.sin(theta / 2) ** 2, -2 * kappa
        density, log_slope = torch.exp(exponent * here), -kappa * torch.sin(theta)
        scale = torch.ones_like(theta)  # of the densities below: near zero their powers underflow
        if power:
            scale = here * (1 - here)
            log_slope = log_slope + 2 * power / torch.tan(theta)
        cumulative, first = torch.zeros_like(theta), torch.zeros_like(theta)
        for node, weight in legendre(self._precision.step):
            y = (theta * (node / 2)).sin_().square_()
            inner = (exponent * y).exp_()
            if power:
                inner *= (y * (1 - y) / scale) ** power
            cumulative.add_(inner, alpha=weight)
            first.add_(inner * y, alpha=weight)
        wanted = u * table.total * table.top
        if power:
            wanted = wanted / (4 * scale) ** power
        newton = (theta * cumulative - wanted) / density
        step = newton / (1 - (newton * log_slope / 2).clamp(max=0.5))
        slope = theta * (2 * first - table.shortfall * cumulative) / density
        change = 2 * here - table.shortfall - log_slope * slope  # d slope / d theta: follow the step to first order
        return theta - step, slope - change * step


class _Linear(torch.autograd.Function):
    """A value with its derivative; a second derivative is an error, not a silent zero."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, slope: Tensor, x: Tensor) -> Tensor:
        """Return the value; keep the slope."""
        ctx.save_for_backward(slope)
        ctx.shape = x.shape
        return value.view_as(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient in x, the chain rule with the slope, summed over broadcast dimensions."""
        return None, None, (gradient * ctx.saved_tensors[0]).sum_to_size(ctx.shape)


def linear(value: Tensor, slope: Tensor, x: Tensor) -> Tensor:
    """Return ``value`` with derivative ``slope`` in ``x``; all of one shape, or x broadcast to it.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> linear(torch.tensor(9.0), torch.tensor(6.0), x).backward(); x.grad
    tensor(6.)
    """
    return _Linear.apply(value, slope, x)


@lru_cache
def legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Return the pairs (node, weight) of the Gauss-Legendre rule on [0, 1].

    >>> [(round(node, 4), round(weight, 4)) for node, weight in legendre(2)]
    [(0.2113, 0.5), (0.7887, 0.5)]
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return tuple(zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True))
