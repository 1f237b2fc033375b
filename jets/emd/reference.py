"""The distance in plain torch, float64, on any device: the fused kernel's algorithm, written to be read.

The entropic problem is solved in the log domain at a falling temperature; every number returned is then bounded from
above by the rounded plan and from below by potentials closed by two c-transforms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from jets.emd.problem import Problem, envelope, pose

STRIDE, SWEEPS, LAST_SWEEPS, RELAXATION = 3.0, 20, 60, 1.9
#: Cost of a particle without weight: out of everybody's reach.
FAR = 1e6


def soft_transform(log_weight: Tensor, potential: Tensor, cost: Tensor, eps: Tensor) -> Tensor:
    """Return f_i = -eps ln sum_j b_j exp((g_j - C_ij) / eps), ``(B, n)``."""
    return -eps * torch.logsumexp(log_weight[:, None, :] + (potential[:, None, :] - cost) / eps[..., None], -1)


def _step(potential: Tensor, goal: Tensor, eps: Tensor, relaxation: float) -> Tensor:
    ahead = (goal - potential) / eps
    return goal + 2 * eps * torch.atanh((relaxation - 1) * torch.tanh(ahead / 2))


def sinkhorn(
    problem: Problem, f: Tensor, g: Tensor, eps: Tensor, sweeps: int, relaxation: float
) -> tuple[Tensor, Tensor]:
    """Alternate the two soft transforms at temperature eps ``(B, 1)``, over-relaxed until the last three sweeps."""
    a, b, cost = problem
    log_a, log_b, transposed = a.log(), b.log(), cost.mT
    for sweep in range(sweeps):
        relax = relaxation if sweep < sweeps - 3 else 1.0
        g = _step(g, soft_transform(log_a, f, transposed, eps), eps, relax)
        f = _step(f, soft_transform(log_b, g, cost, eps), eps, relax)
    return f, g


def plan_of(problem: Problem, f: Tensor, g: Tensor, eps: Tensor) -> Tensor:
    """Return the plan P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), ``(B, n, m)``."""
    a, b, cost = problem
    exponent = (f[..., None] + g[..., None, :] - cost) / eps[..., None]
    return torch.exp(a.log()[..., None] + b.log()[..., None, :] + exponent)


def round_plan(problem: Problem, plan: Tensor) -> Tensor:
    """Scale a plan down onto its marginals and fill the deficits by a rank-one plan: feasible, an upper bound."""
    a, b, _ = problem
    plan = plan * torch.clamp(b / plan.sum(-2).clamp_min(1e-300), max=1.0)[..., None, :]
    plan = plan * torch.clamp(a / plan.sum(-1).clamp_min(1e-300), max=1.0)[..., None]
    rows, columns = (a - plan.sum(-1)).clamp_min(0), (b - plan.sum(-2)).clamp_min(0)
    return plan + rows[..., None] * columns[..., None, :] / rows.sum(-1).clamp_min(1e-300)[..., None, None]


def close(problem: Problem, f: Tensor) -> tuple[Tensor, Tensor]:
    """Return potentials after two c-transforms, f_i + g_j <= C_ij: feasible, hence a lower bound."""
    a, b, cost = problem
    cost = torch.where((a > 0)[..., None] & (b > 0)[..., None, :], cost, FAR)
    g = torch.where(b > 0, (cost - f[..., None]).amin(-2), 0.0)
    f = torch.where(a > 0, (cost - g[..., None, :]).amin(-1), 0.0)
    return f, g


def bracket(problem: Problem, plan: Tensor, f: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return lower and upper bound, the feasible plan and the feasible potentials."""
    plan = round_plan(problem, plan)
    f, g = close(problem, torch.where(problem.a > 0, f, 0.0))
    lower = (problem.a * f).sum(-1) + (problem.b * g).sum(-1)
    return lower.clamp_min(0.0), (plan * problem.cost).sum((-1, -2)), plan, f, g


def anneal(problem: Problem, sharpness: float) -> tuple[Tensor, Tensor, Tensor]:
    """Lower the temperature from a quarter of the largest cost to `sharpness` times the value."""
    a, b, cost = problem
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    real = (a > 0)[..., None] & (b > 0)[..., None, :]
    largest = torch.where(real, cost, 0.0).amax((-1, -2)).clamp_min(1e-300)[:, None]
    eps, steps = largest / 4, 1
    f, g = sinkhorn(problem, f, g, eps, SWEEPS, RELAXATION)
    while steps > 0:
        value = (plan_of(problem, f, g, eps) * cost).sum((-1, -2))[:, None]
        ratio = eps / torch.maximum(sharpness * value, 1e-7 * largest)
        steps = math.ceil(math.log(max(float(ratio.max()), 1.0)) / math.log(STRIDE) - 0.05)
        if steps > 0:
            eps = eps * ratio.clamp_min(1.0) ** (-1.0 / steps)
            f, g = sinkhorn(problem, f, g, eps, LAST_SWEEPS if steps <= 2 else SWEEPS, RELAXATION)
    return f, g, eps


def unit_problem(problem: Problem) -> tuple[Problem, Tensor]:
    """Divide the weights by their total ``(B,)``; two empty clouds become two equal slack particles."""
    a, b, cost = (part.detach() for part in problem)
    total = a.sum(-1)
    if (total > 0).all():
        return Problem(a / total[:, None], b / total[:, None], cost), total
    last = torch.nn.functional.one_hot(torch.tensor(a.shape[-1] - 1), a.shape[-1]).to(a)
    other = torch.nn.functional.one_hot(torch.tensor(b.shape[-1] - 1), b.shape[-1]).to(b)
    empty, unit = (total <= 0)[:, None], total.clamp_min(1e-300)[:, None]
    return Problem(torch.where(empty, last, a / unit), torch.where(empty, other, b / unit), cost), total


def solve(x: Tensor, y: Tensor, p: float, R: float, normalise: bool, tolerance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return value, lower and upper bound ``(B,)`` of clouds ``(B, n, 3)`` and ``(B, m, 3)``, in float64.

    Arguments as in `jets.emd.emd`.
    """
    problem = pose(x.double(), y.double(), p, R, normalise)
    with torch.no_grad():
        scaled, total = unit_problem(problem)
        f, g, eps = anneal(scaled, tolerance)
        lower, upper, plan, f, g = bracket(scaled, plan_of(scaled, f, g, eps), f)
    value = envelope(problem, total * (lower + (upper - lower) / 3), total[:, None, None] * plan, f, g)
    return value, total * lower, total * upper
