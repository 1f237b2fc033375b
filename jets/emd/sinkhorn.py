"""Entropic distances to compare with: the plain Sinkhorn iteration at one temperature, and geomloss."""

from __future__ import annotations

import torch
from torch import Tensor

from jets.emd.problem import displacement, envelope, pose
from jets.emd.reference import bracket, plan_of, sinkhorn, unit_problem

#: Sweeps of the plain iteration.
SWEEPS = 100


def solve(x: Tensor, y: Tensor, p: float, R: float, normalise: bool, tolerance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return value <P, C>, lower and upper bound ``(B,)`` by plain Sinkhorn [1]_ with the kernel exp(-C / tolerance).

    Arguments as in `jets.emd.emd`. The temperature does not fall, the number of sweeps is fixed, and the value keeps
    its entropic bias; the bounds are the rounded plan's and the closed potentials', as everywhere.

    References
    ----------
    .. [1] Cuturi, Sinkhorn distances, https://arxiv.org/abs/1306.0895, algorithm 1
    """
    problem = pose(x.double(), y.double(), p, R, normalise)
    with torch.no_grad():
        scaled, total = unit_problem(problem)
        eps = torch.full_like(total[:, None], tolerance)
        start = torch.zeros_like(scaled.a), torch.zeros_like(scaled.b)
        f, g = sinkhorn(scaled, *start, eps, SWEEPS, relaxation=1.0)
        plan = plan_of(scaled, f, g, eps)
        lower, upper, _, f, g = bracket(scaled, plan, f)
        value = (plan * scaled.cost).sum((-1, -2))
    return envelope(problem, total * value, total[:, None, None] * plan, f, g), total * lower, total * upper


def _points(cloud: Tensor, extra: int) -> Tensor:
    """Return (is slack, eta, phi); padding sits on the centroid, because geomloss' first blur is the diameter."""
    weight, position = cloud.detach()[..., :1], cloud[..., 1:]
    centre = (weight * position.detach()).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True).clamp_min(1e-30)
    points = torch.nn.functional.pad(torch.where(weight > 0, position, centre), (1, 0, 0, extra))
    if extra:
        points[..., -1, 0] = 1.0
    return points


def geomloss(
    x: Tensor, y: Tensor, p: float, R: float, normalise: bool, tolerance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return geomloss' debiased Sinkhorn divergence [1]_ ``(B,)`` with blur = tolerance, scaling = 0.9; NaN bounds.

    Arguments as in `jets.emd.emd`.

    References
    ----------
    .. [1] Feydy et al., Interpolating between OT and MMD using Sinkhorn divergences, https://arxiv.org/abs/1810.08278
    """
    from geomloss import SamplesLoss

    def cost(one: Tensor, two: Tensor) -> Tensor:
        square = displacement(one, two).square().sum(-1) / R**2
        theta = square if p == 2 else (square + 1e-12).sqrt()
        either = (one[..., :, None, 0] + two[..., None, :, 0]).clamp(max=1.0)
        both = one[..., :, None, 0] * two[..., None, :, 0]
        return theta * (1 - either) + either - both

    problem = pose(x, y, p, R, normalise)
    total = problem.a.sum(-1).clamp_min(1e-30)
    extra = 0 if normalise else 1
    points = [_points(cloud, extra) for cloud in (x, y)]
    loss = SamplesLoss("sinkhorn", p=1, blur=tolerance, scaling=0.9, cost=cost, backend="tensorized")
    wanted = torch.is_grad_enabled()
    with torch.set_grad_enabled(wanted):  # geomloss ends by turning gradients on
        value = total * loss(problem.a / total[:, None], points[0], problem.b / total[:, None], points[1])
    value = value if wanted else value.detach()
    nothing = torch.full_like(value, torch.nan).detach()
    return value, nothing, nothing
