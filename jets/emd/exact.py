"""The exact distance: POT's network simplex, one linear programme per pair, in float64."""

from __future__ import annotations

import numpy as np
import ot
import torch
from torch import Tensor

from jets.emd.problem import envelope, pose


def _programme(a: np.ndarray, b: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the optimal plan and potentials of one pair; particles without weight are left out."""
    plan, f, g = np.zeros_like(cost), np.zeros_like(a), np.zeros_like(b)
    rows, columns = a > 0, b > 0
    if rows.any():
        a, b, total = a[rows] / a.sum(), b[columns] / b.sum(), a.sum()
        part, log = ot.emd(a, b, cost[np.ix_(rows, columns)].copy(), numItermax=10**7, log=True)
        plan[np.ix_(rows, columns)], f[rows], g[columns] = total * part, log["u"], log["v"]
    return plan, f, g


def solve(x: Tensor, y: Tensor, p: float, R: float, normalise: bool, tolerance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the exact value ``(B,)`` of clouds ``(B, n, 3)`` and ``(B, m, 3)``, thrice: it is its own bounds.

    Arguments as in `jets.emd.emd`; `tolerance` has no effect.
    """
    problem = pose(x.double(), y.double(), p, R, normalise)
    arrays = [tensor.detach().cpu().numpy() for tensor in problem]
    plan, f, g = (torch.from_numpy(np.stack(part)).to(x.device) for part in zip(*map(_programme, *arrays), strict=True))
    value = (plan * problem.cost).sum((-1, -2)).detach()
    return envelope(problem, value, plan, f, g), value, value
