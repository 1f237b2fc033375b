"""A score of jets in a window of the mass and beside it, less what the mass explains of it: mean, width and tails."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
DEGREE = 3
"""Of the polynomials of u that mean, width and quantiles are made of; the first two are linear in ln pT."""
NARROWEST = 0.1
"""Least width, in units of the mean width."""
LEVELS = np.array(
    [0.995, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005]
)
"""Shares of jets with a larger score, between which tails are interpolated."""
TIMES = 100
"""Permutations: a standard deviation is known to 7 %."""
BINS, JETS = (6, 30), 600
"""Bins of u of which quantiles are taken: one for each 600 jets, from 6 to 30."""


def standardised(score: Array, place: Array, ln_pt: Array) -> Array:
    """Return a score ``(N,)`` less its mean, over its width, at the pT and u, ``place`` ``(N,)``, of each jet."""
    middle, spread = np.median(ln_pt), max(float(np.ptp(np.percentile(ln_pt, [2.5, 97.5]))), 1e-9)
    pt = np.clip((ln_pt - middle) / spread * 2, -1, 1)[:, None]
    terms = np.hstack([np.polynomial.legendre.legvander(place, DEGREE), pt])
    away = score - terms @ np.linalg.lstsq(terms, score, rcond=None)[0]
    width = terms @ np.linalg.lstsq(terms, np.abs(away), rcond=None)[0]
    return away / np.maximum(width, max(NARROWEST * float(np.abs(away).mean()), 1e-12))


def equal_at_mass(score: Array, place: Array, ln_pt: Array, halves: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return a score of two scales, those of the ``halves`` ``(N,)``, as :func:`standardised`, and its tails."""
    even = np.empty(len(score))
    for half in range(2):
        own = np.flatnonzero(halves == half)
        even[own] = standardised(score[own], place[own], ln_pt[own])
    return even, tails_at_mass(even, place)


def shuffled(even: Array, place: Array, ln_pt: Array, halves: NDArray[np.int64], seed: int) -> Iterator[Array]:
    """Yield tails ``(N,)`` of a score that is independent of the mass: those of :func:`equal_at_mass` of permuted jets.

    What is left of a score, ``even`` ``(N,)``, is dealt anew to the jets of each half, and made equal as the score was.
    How counts in such tails vary is how those in the score's own do, if its jets are alike at all masses.
    """
    random = np.random.default_rng(seed)
    for _ in range(TIMES):
        dealt = even.copy()
        for half in range(2):
            own = np.flatnonzero(halves == half)
            dealt[own] = even[random.permutation(own)]
        yield equal_at_mass(dealt, place, ln_pt, halves)[1]


def tails_at_mass(score: Array, place: Array, fit: NDArray[np.bool_] | None = None) -> Array:
    """Return which share of the jets of the same mass has a larger score, ``(N,)``, above 0 and at most 1.

    Quantiles of the score ``(N,)`` of the jets ``fit``, all if None, in bins of u, ``place`` ``(N,)``, are cubic
    functions of u by least squares; between them, and beyond the last, ln of the share is linear in the score.

    >>> random = np.random.default_rng(0)
    >>> u = random.uniform(-1, 1, 20_000)
    >>> found = tails_at_mass(np.exp(u) * random.exponential(size=20_000), u)  # a share of exp(-score exp(-u))
    >>> [round(float((found[np.abs(u - at) < 0.2] < 0.05).mean()), 2) for at in (-0.8, 0.0, 0.8)]
    [0.05, 0.05, 0.05]
    """
    rows = np.arange(len(score)) if fit is None else np.flatnonzero(fit)
    bins = np.array_split(rows[np.argsort(place[rows], kind="stable")], int(np.clip(len(rows) // JETS, *BINS)))
    quantiles = np.array([np.quantile(score[own], 1 - LEVELS) for own in bins])
    terms = np.polynomial.legendre.legvander(np.array([place[own].mean() for own in bins]), DEGREE)
    fit = np.linalg.lstsq(terms, quantiles, rcond=None)[0]
    at = np.polynomial.legendre.legvander(place, DEGREE) @ fit
    step = 1e-9 + 1e-9 * np.abs(score).max()
    at = np.maximum.accumulate(at, 1) + step * np.arange(len(LEVELS))
    first = np.clip((at <= score[:, None]).sum(1) - 1, 0, len(LEVELS) - 2)
    rows, log = np.arange(len(score)), np.log(LEVELS)
    part = (score - at[rows, first]) / (at[rows, first + 1] - at[rows, first])
    return np.exp(np.clip(log[first] + part * (log[first + 1] - log[first]), -30, 0))
