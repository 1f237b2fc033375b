"""A density of points that has no topology: what every latent space is measured against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from analysis.measures.shape import smoothed

ROWS = 500
"""Points that are looked at together."""


def log_density(train: NDArray[np.floating], at: NDArray[np.floating], beta: float) -> NDArray[np.float64]:
    r"""Return ln p ``(M,)`` [nat] at points ``(M, K)`` of normals of width ``beta`` about points ``(N, K)``.

    .. math:: \ln p(x) = \ln\frac1N\sum_i N(x; \bar x_i, \beta)

    with each point averaged over its neighbours within beta, which takes most of the noise off the manifold. A model
    p(x) that smears its manifold by beta, too, tends to the same density as points become many and noise small; of
    few, this one is the lower.

    >>> log_density(np.zeros((9, 1)), np.zeros((1, 1)), 1.0)
    array([-0.91893853])
    """
    centres = smoothed(np.asarray(train, np.float64), beta)[0]
    found = []
    for x in np.array_split(np.asarray(at, np.float64), -(-len(at) // ROWS)):
        found.append(logsumexp(-cdist(x, centres, "sqeuclidean") / (2 * beta**2), 1))
    return np.concatenate(found) - np.log(len(centres)) - at.shape[1] * np.log(beta * np.sqrt(2 * np.pi))
