"""Principal components about each point: how many are large, and whether they turn consistently over the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WITHIN, FEWEST = 3.0, 20
"""Neighbours that count: within so many resolutions, or as many as that if there are fewer."""
LARGE = 0.2
"""Least variance of a direction that is a dimension, in units of the largest."""
ALIKE = 0.3
"""Least determinant between frames of neighbours whose sign counts."""


def distances(points: NDArray[np.floating], point: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the distances ``(N,)`` of points ``(N, K)`` from one ``(K,)``."""
    return np.linalg.norm(points - point, axis=1)


def dimensions(
    points: NDArray[np.floating], at: NDArray[np.floating], beta: float
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Return the local dimension ``(M,)`` about places ``(M, K)`` among points ``(N, K)``, and the axes ``(M, K, K)``.

    The axes, principal components of the neighbours, are columns, that of the largest variance first.
    """
    found = []
    for centre in at:
        away = distances(points, centre)
        near = points[away <= max(WITHIN * beta, np.partition(away, FEWEST)[FEWEST])]
        variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(near, rowvar=False)))
        found.append(((variance > LARGE * variance[-1]).sum(), axes[:, ::-1]))
    count, frames = zip(*found, strict=True)
    return np.array(count), np.array(frames)


def frustration(points: NDArray[np.floating], frames: NDArray[np.floating], reach: float) -> float:
    r"""Return how far the frames ``(N, K, d)`` of points ``(N, K)`` are from being turned consistently.

    With signs :math:`Z_{ij}` of :math:`\det F_i^T F_j` between neighbours closer than ``reach``, of which a point has
    :math:`D_i`, one minus the largest eigenvalue of :math:`D^{-1} Z`, zero if they can be (Singer & Wu 1102.0075,
    sec. 2), over the gap of :math:`D^{-1} |Z|`.
    """
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    turned = np.linalg.det(np.einsum("iak,jal->ijkl", frames, frames))
    linked = (apart < reach) & (abs(turned) > ALIKE) & ~np.eye(len(points), dtype=bool)
    root = np.sqrt(linked.sum(1).clip(1))
    signed, plain = (np.linalg.eigvalsh(part / root[:, None] / root) for part in (linked * np.sign(turned), linked))
    return float((1 - signed[-1]) / max(1 - plain[-2], 1e-3))
