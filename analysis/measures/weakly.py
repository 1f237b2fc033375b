"""A score learned from a window of the mass: its jets against those beside it, without labels.

If the window holds jets of another kind, a classifier of window against sidebands finds them, without labels (Metodiev,
Nachman & Thaler 1708.02949; CWoLa hunting: Collins, Howe & Nachman 1805.02664). It finds as well whatever else changes
with the mass, so that it is given few shapes, of which the mean and width at each mass are taken out; and what it finds
of an excess is no evidence of one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.measures.excess import Bands
from analysis.measures.forest import Forest, Growth

Array = NDArray[np.floating]
GROWTH = Growth(iterations=30, rate=0.05, leaves=4, fewest=100, ridge=5.0, members=1)
"""Small trees, and few: the jets that are looked for may be one in a hundred."""
FOLDS = 5


def tails(score: Array, beside: NDArray[np.bool_]) -> Array:
    """Return which share of the jets beside the window has a larger score, ``(N,)``, between 0 and 1.

    >>> tails(np.array([3.0, 2.0, 1.0, 9.0]), np.array([True, True, True, False])).tolist()
    [0.25, 0.5, 0.75, 0.125]
    """
    others = np.sort(score[beside])
    larger = len(others) - np.searchsorted(others, score, "right")
    no_smaller = len(others) - np.searchsorted(others, score)
    return (larger + no_smaller + 1) / 2 / (len(others) + 1)


def weak_tails(columns: Array, bands: Bands, seed: int = 0) -> Array:
    """Return how far out each jet of the bands is, ``(N,)``: the share of sideband jets that look more like the window.

    Each jet is scored by trees that it and a fifth of the others were not fitted to. Both sidebands count as much as
    each other, and together as much as the window.
    """
    low = bands.beside & (bands.place < 0)
    high = bands.beside & (bands.place > 0)
    weight = bands.inside / bands.inside.sum() + low / (2 * low.sum()) + high / (2 * high.sum())
    fold = np.random.default_rng(seed).permutation(np.arange(len(columns)) % FOLDS)
    found = np.empty(len(columns))
    for k in range(FOLDS):
        own = fold == k
        trees = Forest.fitted(columns[~own], bands.inside[~own], weight[~own] * len(columns), seed + k, GROWTH)
        found[own] = tails(trees.log_odds(columns[own]), bands.beside[own])
    return found
