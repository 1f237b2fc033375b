"""Bi-modality of a sample on a line: how many jets would have to move for it to have one peak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

BINS = 50


def bimodality(values: NDArray[np.floating], bins: int = BINS) -> float:
    r"""Return the share of a histogram h that must move to make it unimodal: 0 for one peak, up to 1/2 for two.

    .. math::
        B = \min_m \tfrac12 \sum_i |h_i - u_i^{(m)}|

    with :math:`u^{(m)}` the least-squares fit that rises up to bin m and falls beyond it (isotonic regression on
    either side). Two separate peaks give about half the smaller one's share if they are broad and all of it if they
    are narrow; a single peak gives 0, and 2,000 jets of one normal 0.01 to 0.02.

    >>> round(bimodality(np.repeat([0.0, 1.0], 500)), 2), bimodality(np.linspace(0, 1, 1000)) < 1e-9
    (0.49, True)
    """
    share = np.histogram(values, bins)[0] / len(values)
    return min(
        mass_moved(share[:m], increasing=True) + mass_moved(share[m:], increasing=False) for m in range(bins + 1)
    )


def mass_moved(share: NDArray[np.floating], *, increasing: bool) -> float:
    """Return what must move to make part of a histogram monotone."""
    if not len(share):
        return 0.0
    return float(np.abs(share - isotonic_regression(share, increasing=increasing).x).sum() / 2)
