r"""Which shape do points have at a resolution? Local dimension, holes and orientation, without any model.

Points are averaged over their neighbours within the resolution, and landmarks are chosen until none is farther than
two resolutions from one. Rips complexes of the landmarks then count pieces, loops and cavities at the scale of their
spacing (Bauer 1908.02518): what is less than about eight resolutions across is filled. The number of large principal
components about a point is the dimension there; the frames of those components can be turned consistently over the
whole surface if it has two sides (Singer & Wu 1102.0075). Needs ripser (``pip install "jetvae[homology]"``).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from analysis.measures.local_frames import dimensions, distances, frustration
from analysis.measures.persistence import rips
from analysis.store import Missing

LOOKED_AT = 4000
"""Points that are looked at."""
LANDMARKS = 300
"""Landmarks at most."""
COVER, COARSEST = 2.0, 3.2
"""Distance of every point from a landmark, in resolutions: wanted, and at most, lest nothing be said of holes."""
BORN = (0.0, 2.7, 3.5)
DIES = (2.6, 3.4, 4.1)
"""Of pieces, loops and cavities: largest birth and least death [distance of the points from the landmarks]."""
NEAR, ALONE = 3.0, 5
"""A point of fewer neighbours than that, within so many resolutions, is left out."""
ENOUGH = 0.8
"""Least share of points that are not left out, lest nothing be said of holes."""
SMALLEST = 0.05
"""Least share of the points in a piece; smaller ones, such as stragglers in a tail, are left out."""
TWISTED = 0.1
"""Least frustration of the frames of a surface with one side."""


def shape(points: NDArray[np.floating], beta: float) -> xr.Dataset:
    """Return the shape of points ``(N, K)`` at resolution ``beta`` in their unit.

    ``share`` (dimension): part of the points about which there are 1, 2, ... dimensions; ``betti`` (degree): pieces,
    loops and cavities, over the field of two elements; ``orientable``: whether the frames agree. Attributes:
    ``landmarks``; ``cover``, the largest distance from one in resolutions; ``kept``, the share of points that are not
    alone; ``judged``, 1 if both allow to count holes and there are at most three dimensions, else ``betti`` is NaN.

    Raises
    ------
    Missing
        ripser is not installed, there are too few points, or they coincide.
    """
    some = np.asarray(points[:: -(-len(points) // LOOKED_AT)], np.float64)
    if len(some) < 100:
        raise Missing(f"the shape of {len(some)} points cannot be judged: it takes at least 100")
    smooth, dense = smoothed(some, beta)
    counts = np.bincount(dimensions(smooth, smooth[::4], beta)[0], minlength=some.shape[1] + 1)[1:]
    if not counts.any():
        raise Missing(f"the shape of points that coincide cannot be judged at resolution {beta:g}")
    share, most = counts / len(smooth[::4]), int(counts.argmax()) + 1
    found, twist, chosen, cover = np.full(3, np.nan), 0.0, np.zeros(0, int), np.inf
    if dense.mean() >= ENOUGH:
        chosen, cover = landmarks(smooth[dense], COVER * beta)
    if judged := cover <= COARSEST * beta and most <= 3:
        marks = large_pieces(smooth[dense], smooth[dense][chosen], cover)
        found = betti(marks, cover)
        if most > 1 and len(marks) > 2:
            twist = frustration(marks, dimensions(smooth, marks, beta)[1][:, :, :most], 2.2 * cover)
    values = {"share": ("dimension", share), "betti": ("degree", found), "orientable": twist < TWISTED}
    result = xr.Dataset(values, {"dimension": np.arange(1, len(share) + 1), "degree": range(3)})
    kept = float(dense.mean())
    return result.assign_attrs(landmarks=len(chosen), cover=float(cover / beta), kept=kept, judged=int(judged))


def smoothed(points: NDArray[np.floating], beta: float) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Return points ``(N, K)`` each averaged over all with a normal weight of width ``beta``, and who is not alone."""
    result, dense = np.empty_like(points), np.empty(len(points), bool)
    for rows in np.array_split(np.arange(len(points)), -(-len(points) // 500)):
        squared = cdist(points[rows], points, "sqeuclidean")
        weight = np.exp(-squared / (2 * beta**2))
        result[rows] = weight @ points / weight.sum(1, keepdims=True)
        dense[rows] = (squared <= (NEAR * beta) ** 2).sum(1) > ALONE  # itself included
    return result, dense


def landmarks(points: NDArray[np.floating], cover: float) -> tuple[NDArray[np.integer], float]:
    """Return indices of points, each the farthest from those before, until all are within ``cover``; and how far.

    >>> landmarks(np.array([[0.0], [1.0], [2.0], [3.0]]), 1.0)
    (array([1, 3]), 1.0)
    """
    chosen = [int(distances(points, points.mean(0)).argmin())]
    nearest = distances(points, points[chosen[0]])
    while len(chosen) < LANDMARKS and nearest.max() > cover:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distances(points, points[chosen[-1]]))
    return np.array(chosen), float(nearest.max())


def large_pieces(points: NDArray[np.floating], marks: NDArray[np.floating], cover: float) -> NDArray[np.floating]:
    """Return the landmarks ``(M, K)`` of pieces that hold more than a few points ``(N, K)``; all if none does."""
    _, piece = connected_components(cdist(marks, marks) < DIES[0] * cover)
    share = np.bincount(piece[cdist(points, marks).argmin(1)]) / len(points)
    large = share[piece] >= SMALLEST
    return marks[large] if large.any() else marks


def betti(points: NDArray[np.floating], cover: float) -> NDArray[np.floating]:
    """Return the pieces, loops and cavities ``(3,)`` of landmarks ``(N, K)`` that cover their shape within ``cover``.

    Raises
    ------
    Missing
        ripser is not installed.
    """
    bars = rips(cdist(points, points), maxdim=2, thresh=max(DIES) * cover, distance_matrix=True)
    found = [
        ((bar[:, 0] <= born * cover) & (bar[:, 1] >= dies * cover)).sum()
        for bar, born, dies in zip(bars, BORN, DIES, strict=True)
    ]
    return np.array(found, float)
