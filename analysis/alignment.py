"""Whether latents lie along the principal axes of a Gaussian, and in their order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

from analysis.store import array

LEAST = 0.1
"""KL [nat] below which a latent is not compared."""


class Alignment(NamedTuple):
    """How well latents match axes.

    Attributes
    ----------
    correlation
        ``(axes,)``: |correlation| of each axis with the latent that is matched to it; axes of equal size count as one
        plane, whose correlation is the multiple one. NaN where nothing is encoded.
    order
        Spearman's correlation between the axes' sizes and the KL of their latents.
    """

    correlation: np.ndarray
    order: float


def alignment(tree: xr.DataTree) -> Alignment:
    """Compare the centres of a run's latents with the coordinates ``axis_0``, ``axis_1``, ... of its points.

    Parameters
    ----------
    tree
        From :func:`analysis.evaluate`, of a run on a Gaussian toy.
    """
    points = np.asarray(array(tree, "guide_params/point"))
    kl = np.asarray(array(tree, "information/kl").mean("jet"))
    count = sum(str(name).startswith("axis_") for name in tree["constant_data"].data_vars)
    axes = np.stack([np.asarray(array(tree, f"constant_data/axis_{i}")) for i in range(count)], 1)
    sizes = axes.std(0)
    active = np.flatnonzero(kl > LEAST)
    table = np.abs(np.corrcoef(axes.T, points[:, active].T)[:count, count:])
    rows, columns = linear_sum_assignment(-table)
    result = np.full(count, np.nan)
    for row, column in zip(rows, columns, strict=True):
        plane = axes[:, np.isclose(sizes, sizes[row], rtol=0.05)]
        result[row] = multiple_correlation(plane, points[:, active[column]])
    return Alignment(result, float(spearmanr(sizes[rows], kl[active[columns]]).statistic))


def multiple_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return the correlation of y ``(N,)`` with the best linear function of x ``(N, k)``.

    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(multiple_correlation(x, x @ [1.0, 2.0]), 6)
    1.0
    """
    design = np.column_stack([x, np.ones(len(x))])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(np.corrcoef(fitted, y)[0, 1])
