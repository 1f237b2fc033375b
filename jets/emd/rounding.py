"""Float64 clouds for a float32 kernel: rounded where it costs least, and by how much the bounds must be wider."""

from __future__ import annotations

import torch
from torch import Tensor

from jets.emd.problem import wrap

UNIT = 2.0**-24
"""Relative error of rounding to float32."""


def rounded(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return float32 clouds ``(B, n, 3)`` and ``(B, m, 3)``, their positions from the hardest particle of x.

    There the positions of a jet are small, and so is what rounding takes away. Differentiable.
    """
    hardest = x[..., 0].detach().argmax(-1)[:, None, None].expand(-1, 1, 2)
    origin = x[..., 1:].detach().gather(1, hardest).double()
    clouds = []
    for cloud in (x, y):
        eta, phi = (cloud[..., 1:].double() - origin).unbind(-1)
        turned = phi + (wrap(phi) - phi).detach()
        near = torch.stack((cloud[..., 0].double(), eta, turned), -1)
        clouds.append(torch.where(cloud[..., :1] == 0, torch.zeros_like(near), near).float().contiguous())
    return clouds[0], clouds[1]


def rounding(x: Tensor, y: Tensor, p: float, R: float, normalise: bool) -> Tensor:
    r"""Return by how much the distance of clouds can have moved when they were rounded to float32, ``(B,)``.

    Positions within rho move by at most :math:`u\sqrt2\rho` with u = 2^-24, the ground cost by
    :math:`\delta = u\sqrt2(\rho_x + \rho_y)` over R for p = 1, :math:`2\theta\delta + \delta^2` over R^2 for p = 2.
    A part u of the weights costs at most the largest ground cost, and itself where it is not normalised away.
    """
    with torch.no_grad():
        rho = sum(torch.where(c[..., :1] > 0, c[..., 1:].double().abs(), 0.0).amax((-1, -2)) for c in (x, y))
        total_x, total_y = x[..., 0].double().sum(-1), y[..., 0].double().sum(-1)
        delta, largest = UNIT * 2**0.5 * rho, (2**0.5 * rho / R) ** p
        moved = delta / R if p == 1 else (2 * 2**0.5 * rho * delta + delta**2) / R**2
        if normalise:
            return moved + 2 * UNIT * largest
        return torch.minimum(total_x, total_y) * moved + UNIT * (total_x + total_y) * (1 + largest)
