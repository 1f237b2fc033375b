r"""Jets that pass a cut: how many there are in a window of the mass, and how many the jets beside the window say.

A bump hunt fits the mass spectrum of the jets that pass a cut. Here the spectrum of all jets is known, and only the
*share* that passes is asked for: let y be 1 for a jet that passes, else 0, and u = ln m. Without an anomaly that
share is a smooth function of u, and the expectation in the window W follows from the jets S beside it,

.. math:: b = \sum_{j \in S} c_j y_j,\qquad \sum_{j \in S} c_j P_k(u_j) = \sum_{i \in W} P_k(u_i),\quad k = 0, 1, 2,

least squares of y in Legendre polynomials, summed over the jets of the window. The jets of the window and their masses
are taken as given, so that no form of the spectrum is assumed. With the variance of b,
:math:`\sigma^2 = \sum_j c_j^2\,\hat y_j (1 - \hat y_j)`, and n jets of the window that pass, the significance is that
of a count beside a control region (Li & Ma, Astrophys. J. 272 (1983) 317, formula 17) of :math:`b^2/\sigma^2` jets:

.. math:: Z^2 = 2\left[n \ln\frac{n(b+\sigma^2)}{b^2 + n\sigma^2}
                - \frac{b^2}{\sigma^2}\ln\left(1 + \frac{\sigma^2(n-b)}{b(b+\sigma^2)}\right)\right].

Where a score has been made equal at each mass with the jets of the window among those it was fitted to, n and b
are no longer independent; :func:`together_of` finds the covariance of n - b, of which
:math:`\sigma^2` is then what the window's own fluctuation leaves.

A form of the *share* is assumed, and no share has it exactly: Z is that with b larger by 4 %, or as much nearer to n.
One p-value goes over all cuts: the probability of so large a Z at any of them, from pseudo-experiments in which the
numbers of jets between the cuts are drawn, from the shares of all jets that pass, and b with its error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Values = NDArray[np.floating]
Mask = NDArray[np.bool_]
SIDE = 1.0
"""Width of each sideband, in units of that of the window, in ln m."""
DEGREE = 2
"""Of the polynomials of which the share is made."""
CUTS = (0.02, 0.01)
"""Shares of the jets that pass."""
ROUGH = 0.04
"""Largest relative error of what is expected, since no share is a quadratic function exactly (docs/search.md)."""
LEAST = 10.0
"""Jets expected in the window below which a cut is not looked at."""
FEWEST = (100, 200)
"""Jets in the window, and in each sideband, below which there is no test."""
DRAWS = 100_000
"""Pseudo-experiments of the p-value over all cuts."""


class Bands(NamedTuple):
    """Where jets are.

    Attributes
    ----------
    place
        u, in units in which window and sidebands go from -1 to 1, ``(N,)``; beyond, outside both.
    inside, beside
        Whether a jet is in the window, or in a sideband, ``(N,)``.
    edges
        Masses at which the lower sideband begins, the window begins, it ends, the upper sideband ends.
    """

    place: Values
    inside: Mask
    beside: Mask
    edges: tuple[float, float, float, float]

    @classmethod
    def of(cls, mass: Values, window: tuple[float, float]) -> Bands:
        """Return where jets of masses ``(N,)`` are.

        Raises
        ------
        ValueError
            The window begins at 0, fewer than 100 jets are in it, or fewer than 200 in a sideband.
        """
        if window[0] <= 0:
            raise ValueError("a window that begins at 0 GeV has no sideband below: let it begin higher")
        low, high = np.log(window)
        half = (high - low) * (1 / 2 + SIDE)
        with np.errstate(divide="ignore", invalid="ignore"):
            place = (np.log(mass) - (low + high) / 2) / half
        inside = (mass >= window[0]) & (mass < window[1])
        beside = (np.abs(place) < 1) & ~inside
        start, end = np.exp((low + high) / 2 + np.array([-half, half]))
        counts = {
            "in the window": (inside.sum(), FEWEST[0]),
            f"below it, from {start:.4g}": ((beside & (place < 0)).sum(), FEWEST[1]),
            f"above it, up to {end:.4g}": ((beside & (place > 0)).sum(), FEWEST[1]),
        }
        for where, (count, least) in counts.items():
            if count < least:
                raise ValueError(f"{count:,} jets {where}: at least {least} are needed")
        return cls(place, inside, beside, (float(start), *window, float(end)))

    def at(self, rows: NDArray[np.int64]) -> Bands:
        """Return where these jets are."""
        return Bands(self.place[rows], self.inside[rows], self.beside[rows], self.edges)


def excess(tail: Values, place: Values, inside: Mask, seed: int = 0, together: Values | None = None) -> xr.Dataset:
    """Return how many jets pass each cut in the window, and how many are expected.

    Parameters
    ----------
    tail
        Of the jets of window and sidebands, ``(N,)``: which share of jets has a larger score.
    place, inside
        Of the same jets, as of :class:`Bands`.
    seed
        Of the pseudo-experiments.
    together
        Covariance of observed less expected, ``(C, C)``, where the sum over sideband jets does not hold.

    Returns
    -------
    xarray.Dataset
        Along ``cut``: ``observed``, ``expected``, ``expected_error`` (of the sidebands and, added, 4 %), and Z as
        ``significance``, NaN where fewer than 10 are expected. Attribute ``p_value``, over all cuts; NaN where none can
        be looked at.
    """
    observed, expected, covariance = counted(tail, place, inside)
    jets, share = int(inside.sum()), (tail[:, None] < np.asarray(CUTS)).mean(0)
    if together is not None:
        covariance = positive(together - jets * (np.minimum(share[:, None], share) - np.outer(share, share)))
    seen = expected >= LEAST
    worst = np.clip(observed, (1 - ROUGH) * expected, (1 + ROUGH) * expected)
    found = np.where(seen, significance(observed, worst, np.diag(covariance)), np.nan)
    p = chance(found, covariance, share, jets, seed)
    columns = {
        "observed": observed,
        "expected": expected,
        "expected_error": np.sqrt(np.diag(covariance)) + ROUGH * np.abs(expected),
        "significance": found,
    }
    return xr.Dataset({name: ("cut", each) for name, each in columns.items()}, {"cut": list(CUTS)}, {"p_value": p})


def counted(tail: Values, place: Values, inside: Mask) -> tuple[Values, Values, Values]:
    """Return how many jets pass each cut in the window ``(C,)``, how many are expected, and that one's covariance."""
    passed = tail[:, None] < np.asarray(CUTS)
    share, weight = fitted(passed, place, inside)
    return passed[inside].sum(0).astype(float), weight @ passed[~inside], nested(share[~inside], weight)


def together_of(tails: Iterable[Values], place: Values, inside: Mask) -> Values:
    """Return the covariance ``(C, C)`` of observed less expected over tails ``(N,)`` of chance alone."""
    counts = (counted(tail, place, inside) for tail in tails)
    return np.cov([observed - expected for observed, expected, _ in counts], rowvar=False)


def positive(matrix: Values) -> Values:
    """Return a symmetric matrix without its negative part."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def nested(share: Values, weight: Values) -> Values:
    """Return the covariance ``(C, C)`` of weighted numbers of jets that pass nested cuts; shares are ``(M, C)``."""
    both = np.minimum(share[:, :, None], share[:, None])
    return np.einsum("m,mab->ab", weight**2, both - share[:, :, None] * share[:, None])


def fitted(passed: Mask, place: Values, inside: Mask) -> tuple[Values, Values]:
    """Return the share that passes each cut, ``(N, C)``, at each jet's mass, and c of the sideband jets, ``(M,)``."""
    terms = np.polynomial.legendre.legvander(place, DEGREE)
    beside = terms[~inside]
    inverse = np.linalg.inv(beside.T @ beside)
    return np.clip(terms @ (inverse @ (beside.T @ passed[~inside])), 0, 1), beside @ (inverse @ terms[inside].sum(0))


def chance(found: Values, covariance: Values, share: Values, jets: int, seed: int) -> float:
    """Return the probability of a significance so large as the largest ``(C,)`` found, at any cut that was looked at.

    Drawn are the ``jets`` of the window of which shares ``(C,)`` pass, and their expectation with its ``covariance``.
    """
    seen = np.isfinite(found)
    if not seen.any():
        return float("nan")
    random = np.random.default_rng(seed)
    share = np.minimum.accumulate(share)  # cuts are nested
    between = np.append(share - np.append(share[1:], 0), 1 - share[0])
    counts = random.multinomial(jets, between / between.sum(), DRAWS)[:, :-1]
    counts = np.cumsum(counts[:, ::-1], 1)[:, ::-1]
    estimated = random.multivariate_normal(share * jets, covariance, DRAWS, method="eigh")
    drawn = significance(counts.astype(float), np.maximum(estimated, 0.5), np.diag(covariance))
    return float((1 + (drawn[:, seen].max(1) >= found[seen].max()).sum()) / (1 + DRAWS))


def significance(n: Values, b: Values, variance: Values) -> Values:
    """Return Z, negative where fewer than expected are seen, of counts n with expectations b of that variance.

    >>> significance(np.array([130.0, 100.0, 80.0]), np.full(3, 100.0), np.full(3, 25.0)).round(2)
    array([ 2.54,  0.  , -1.87])
    """
    variance = np.maximum(variance, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(n > 0, n * np.log(n * (b + variance) / (b**2 + n * variance)), 0)
        second = b**2 / variance * np.log1p(variance * (n - b) / (b * (b + variance)))
    return np.sign(n - b) * np.sqrt(np.maximum(2 * (first - second), 0))
