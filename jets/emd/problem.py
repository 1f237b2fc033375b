"""Transport problems as tensors: what the plain methods share, and the envelope theorem for all of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Problem(NamedTuple):
    """A transport problem, all of it differentiable.

    Attributes
    ----------
    a, b
        Weights ``(B, n)`` and ``(B, m)`` of equal totals.
    cost
        ``(B, n, m)`` cost (theta / R)^p of moving one unit of weight.
    """

    a: Tensor
    b: Tensor
    cost: Tensor


def wrap(phi: Tensor) -> Tensor:
    """Return azimuth differences [rad] of any shape in [-pi, pi)."""
    return phi - 2 * math.pi * torch.floor(phi / (2 * math.pi) + 0.5)


def displacement(x: Tensor, y: Tensor) -> Tensor:
    """Return differences ``(B, n, m, 2)`` of (eta, phi [rad]), azimuths wrapped."""
    delta = x[..., :, None, 1:] - y[..., None, :, 1:]
    return torch.stack((delta[..., 0], wrap(delta[..., 1])), -1)


def ground_cost(x: Tensor, y: Tensor, p: float, R: float) -> Tensor:
    """Return (theta_ij / R)^p ``(B, n, m)`` of clouds ``(B, n, 3)``, ``(B, m, 3)``; its gradient at theta = 0 is 0."""
    square = displacement(x, y).square().sum(-1) / R**2
    apart = square > 0
    return torch.where(apart, torch.where(apart, square, 1.0) ** (p / 2), 0.0)


def pose(x: Tensor, y: Tensor, p: float, R: float, normalise: bool) -> Problem:
    """Balance clouds ``(B, n, 3)`` and ``(B, m, 3)``; arguments as in `jets.emd.emd`.

    Either both are normalised, or a slack particle at distance R takes the difference in pT.
    """
    # The mask stops gradients to padding.
    a, b = (torch.where(cloud[..., 0] > 0, cloud[..., 0], 0.0) for cloud in (x, y))
    cost = ground_cost(x, y, p, R)
    if normalise:
        return Problem(a / a.sum(-1, keepdim=True), b / b.sum(-1, keepdim=True), cost)
    excess = a.sum(-1, keepdim=True) - b.sum(-1, keepdim=True)
    a, b = torch.cat((a, torch.relu(-excess)), -1), torch.cat((b, torch.relu(excess)), -1)
    return Problem(a, b, torch.nn.functional.pad(cost, (0, 1, 0, 1), value=1.0))


def envelope(problem: Problem, value: Tensor, plan: Tensor, f: Tensor, g: Tensor) -> Tensor:
    """Give `value` its gradient: the plan for the cost, the potentials for the weights (envelope theorem).

    Potentials are defined up to f + c, g - c. Normalised weights and the slack particle cancel c; where neither does,
    at equal totals, c makes scaling either cloud change the distance alike.
    """
    a, b, cost = problem
    f, g, plan = f.detach(), g.detach(), plan.detach()
    f, g = torch.where(a > 0, f, 0.0), torch.where(b > 0, g, 0.0)
    total = a.detach().sum(-1, keepdim=True).clamp_min(1e-300)
    shift = ((a.detach() * f).sum(-1, keepdim=True) - (b.detach() * g).sum(-1, keepdim=True)) / (2 * total)
    f, g = torch.where(a > 0, f - shift, 0.0), torch.where(b > 0, g + shift, 0.0)
    surrogate = (plan * cost).sum((-1, -2)) + (f * a).sum(-1) + (g * b).sum(-1)
    return value.detach() + surrogate - surrogate.detach()
