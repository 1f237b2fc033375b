"""Ways to part points in two or more: by pieces, by the dimension about each point, by two normal distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from analysis.measures.learning import scikit_learn
from analysis.measures.local_frames import dimensions
from analysis.measures.shape import COVER, DIES, landmarks, smoothed
from analysis.measures.signature import PRESENT

FEWEST = 200
"""Points of a part at least."""

Labels = NDArray[np.integer]


def partitions(points: NDArray[np.floating], beta: float, seed: int = 0) -> dict[str, Labels]:
    """Return name -> the part of each point, ``(N,)`` from 0, of points ``(N, K)`` at resolution ``beta``.

    A way that leaves a part of fewer than 200 points, or of fewer than 5 % of them, is left out.
    """
    smooth, dense = smoothed(np.asarray(points, np.float64), beta)
    ways = {
        "pieces": pieces(smooth, dense, beta),
        "dimensions": by_dimension(smooth, beta),
        "two normals": two_normals(points, seed),
    }
    least = max(FEWEST, 0.05 * len(points))
    return {
        name: label for name, label in ways.items() if len(counts := np.bincount(label)) > 1 and counts.min() >= least
    }


def pieces(points: NDArray[np.floating], dense: NDArray[np.bool_], beta: float) -> Labels:
    """Return the connected piece of each point ``(N,)``; stragglers join the nearest large one."""
    core = points[dense]
    if len(core) < FEWEST:
        return np.zeros(len(points), int)
    chosen, cover = landmarks(core, COVER * beta)
    marks = core[chosen]
    _, piece = connected_components(cdist(marks, marks) < DIES[0] * cover)
    share = np.bincount(piece[cdist(core, marks).argmin(1)]) / len(core)
    large = np.flatnonzero(share >= 0.05)
    kept = np.isin(piece, large)
    if not kept.any():
        return np.zeros(len(points), int)
    return np.searchsorted(large, piece[kept][cdist(points, marks[kept]).argmin(1)])


def by_dimension(points: NDArray[np.floating], beta: float) -> Labels:
    """Return which of the dimensions that at least a fifth of the points have is nearest to each point's, ``(N,)``.

    A point has the dimension that most of its ten neighbours have.
    """
    found = dimensions(points, points, beta)[0]
    share = np.bincount(found) / len(found)
    present = np.flatnonzero(share >= PRESENT)
    if len(present) < 2:
        return np.zeros(len(points), int)
    own = abs(found[:, None] - present).argmin(1)
    near = np.argpartition(cdist(points, points), 10, axis=1)[:, :10]
    votes = np.eye(len(present))[own[near]].sum(1)
    return votes.argmax(1)


def two_normals(points: NDArray[np.floating], seed: int = 0) -> Labels:
    """Return which of two normal distributions, fitted by scikit-learn, each point is more likely to be of, ``(N,)``.

    Raises
    ------
    Missing
        scikit-learn is not installed.
    """
    mixture = normal_mixture()
    scaled = (points - points.mean(0)) / points.std(0).max()
    return mixture(2, n_init=4, reg_covar=1e-4, random_state=seed).fit_predict(scaled)


def normal_mixture() -> Any:
    """Return scikit-learn's mixture of normal distributions; same errors as :func:`two_normals`."""
    return scikit_learn("mixture", "GaussianMixture")
