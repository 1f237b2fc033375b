"""Clouds for a float32 kernel: rounded where it costs least, and by how much the bounds must be wider."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from jets.emd.pair import QUARTER, WILD_ETA, WILD_PHI
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


def turned(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return float32 clouds with azimuths about the hardest of x, how far off they are [rad], and which are wild.

    As `jets.emd.pair.turn` does: pairs whose azimuths all lie within a quarter turn of zero stay as they are, and are
    off by nothing. Both results ``(B,)``; wild pairs, which float32 cannot resolve, are replaced by zeros.
    """
    far = [torch.where(c[..., :1] > 0, c[..., 1:].abs(), 0.0).amax(1) for c in (x, y)]
    eta, phi = torch.maximum(*far).unbind(-1)
    wild = (eta > WILD_ETA) | (phi > WILD_PHI)
    x, y = (torch.cat((cloud[..., :1], torch.where(wild[:, None, None], 0.0, cloud[..., 1:])), -1) for cloud in (x, y))
    zero = x[..., 2].double().gather(1, x[..., :1].argmax(1))
    clouds, off = [], torch.zeros_like(zero[:, 0])
    for cloud in (x, y):
        near = wrap(cloud[..., 2].double() - zero)
        farthest = torch.where(cloud[..., 0] > 0, near.abs(), 0.0).amax(1)
        off = off + UNIT * farthest + torch.where(farthest > QUARTER, 2.2e-7, 0.0)
        moved = torch.where((phi > QUARTER)[:, None], near.float(), cloud[..., 2])
        clouds.append(torch.cat((cloud[..., :2], moved[..., None]), -1))
    return clouds[0], clouds[1], torch.where(phi > QUARTER, off, 0.0), wild


def widened(bounds: Tensor, x: Tensor, y: Tensor, scale: float, p: int, given_up: tuple[Tensor, Tensor]) -> Tensor:
    """Widen bounds ``(B, 3)`` of weight one by azimuths that are off [rad] and by weights ignored, ``(B,)`` each.

    No number is copied from the host here: that could not be captured into a CUDA graph.
    """
    off, ignored = given_up
    eta_x, eta_y = (torch.where(cloud[..., 0] > 0, cloud[..., 1].abs(), 0.0).amax(1) for cloud in (x, y))
    largest = scale * ((eta_x + eta_y) ** 2 + math.pi**2).double() ** (p / 2)
    moved = off * scale if p == 1 else 2 * off * (scale * largest) ** 0.5 + off**2 * scale
    margin = moved + ignored * largest.clamp_min(1.0)
    value, lower, upper = bounds.unbind(-1)
    return torch.stack((value, (lower - margin).clamp_min(0.0), upper + margin), -1)
