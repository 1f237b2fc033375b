r"""What residuals say a training lacks: a lower bound, from the model's own errors, without another training.

Give the model one more latent along a unit vector v, with prior N(0, 1), posterior
:math:`N(m\,v\!\cdot\!\bar r, s^2)` of the mean residual :math:`\bar r(x) = x - E_q[\hat x]` and decoder
:math:`\hat x + a z v`. At the best m, s and a the objective falls by

.. math::
    g(\lambda) = \frac12\Bigl(\frac{\lambda}{\beta^2} - 1 - \ln\frac{\lambda}{\beta^2}\Bigr), \qquad
    \lambda = \mathrm{Var}(v\cdot\bar r) > \beta^2

whatever the distribution, since moments alone enter (for a Gaussian: Lucas et al. 1911.02469, and reverse
water-filling, Cover & Thomas, theorem 10.3.3). So at an optimum no direction of the residuals is wider than beta; where
one is, the training has not converged, though D1 = D2 may hold: it lacks g, and keeps :math:`\frac12\ln\lambda/\beta^2`
too little. As the decoder may bend with z, this holds in each neighbourhood of decoded points on its own.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

Array = NDArray[np.floating]

CELL, CELLS = 250, 12
"""Points of a neighbourhood on average, and the most neighbourhoods."""


def lacking(residuals: Array, decoded: Array, beta: float, seed: int = 0) -> tuple[float, float]:
    """Return what a model lacks at least [nat], and by how much its KL is too small for that [nat].

    Parameters
    ----------
    residuals
        Of points less what is decoded from two independent draws of the posterior, (2, N, K), in the unit of beta.
    decoded
        The mean of both, (N, K): where neighbourhoods are.
    beta
        Resolution.
    seed
        Of the neighbourhoods and of the halves.
    """
    count = len(decoded)
    cells = max(1, min(CELLS, count // CELL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where all decoded points are one, cells are empty
        label = kmeans2(decoded, cells, seed=seed, minit="++")[1] if cells > 1 else np.zeros(count, int)
    half = np.random.default_rng(seed).permutation(count) % 2
    found = np.zeros(2)
    for cell in range(cells):
        one, other = (residuals[:, (label == cell) & (half == side)] for side in (0, 1))
        if min(one.shape[1], other.shape[1]) > residuals.shape[-1] + 1:
            found += (label == cell).mean() * (of_one(one, other, beta) + of_one(other, one, beta)) / 2
    return float(found[0]), float(found[1])


def of_one(first: Array, second: Array, beta: float) -> Array:
    """Return both numbers of :func:`lacking` for one neighbourhood: directions from one half, widths from the other."""
    width, direction = np.linalg.eigh(covariance(first))
    wide = direction[:, width > beta**2]
    ratio = np.einsum("ki,kl,li->i", wide, covariance(second), wide) / beta**2
    ratio = ratio[ratio > 1]
    return np.array([(ratio - 1 - np.log(ratio)).sum() / 2, np.log(ratio).sum() / 2])


def covariance(residuals: Array) -> Array:
    """Return the covariance (K, K) of the mean residual, from two draws (2, n, K): what both share."""
    one, other = residuals - residuals.mean(1, keepdims=True)
    crossed = one.T @ other / (len(one) - 1)
    return np.asarray((crossed + crossed.T) / 2)
