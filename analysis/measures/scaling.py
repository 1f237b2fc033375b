r"""Points whose Euclidean distances are nearly given ones: classical multidimensional scaling.

With squared distances D and J = 1 - 1/N the matrix :math:`-\frac12 J D J` holds the inner products of centred points,
if there are such points; its largest eigenvectors are their principal components (Torgerson, Psychometrika 17 (1952)
401).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import pdist

MOST = 16
"""Components at most."""


class Scaled(NamedTuple):
    """Points, and how far their distances are from the given ones.

    Attributes
    ----------
    points
        ``(N, K)``, component of the largest spread first, in the unit of the distances.
    stress
        Root mean square difference of all pairs, in that unit.
    correlation
        Of the distances of all pairs, Pearson's.
    """

    points: NDArray[np.float64]
    stress: float
    correlation: float


def scaled(distances: NDArray[np.floating], least: float, most: int = MOST) -> Scaled:
    """Return points ``(N, K)`` of distances ``(N, N)``: the components of a spread of at least ``least``.

    At least one component, and at most ``most``.

    >>> line = np.arange(4.0)
    >>> found = scaled(abs(line[:, None] - line), 0.1)
    >>> found.points.shape, round(found.stress, 6), round(float(abs(found.points[3, 0] - found.points[0, 0])), 6)
    ((4, 1), 0.0, 3.0)
    """
    squared = np.asarray(distances, np.float64) ** 2
    centred = squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean()
    count = len(squared)
    values, vectors = eigh(-centred / 2, subset_by_index=(max(count - most, 0), count - 1))
    spread = np.sqrt(values.clip(0) / count)[::-1]
    kept = max(int((spread >= least).sum()), 1)
    points = vectors[:, ::-1][:, :kept] * spread[:kept] * np.sqrt(count)
    own, given = pdist(points), np.asarray(distances, np.float64)[np.triu_indices(count, 1)]
    return Scaled(points, float(np.sqrt(((own - given) ** 2).mean())), float(np.corrcoef(own, given)[0, 1]))
