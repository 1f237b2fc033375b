"""Errors of numbers that rest on few jets, where the spread over resampled jets is zero or too small."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FEW = 100
"""Jets of a class below which a number says so, and its error has the floors of this module."""


def auc_error(area: float, signal: float, background: float) -> float:
    r"""Return the standard error of an area A under the ROC curve from numbers of jets n and m, for few of them.

    .. math::
        \sigma^2 = \frac{A(1-A) + (n-1)(Q_1-A^2) + (m-1)(Q_2-A^2)}{nm},\quad Q_1=\frac A{2-A},\; Q_2=\frac{2A^2}{1+A}

    (Hanley & McNeil, Radiology 143 (1982) 29, eq. 1), at A drawn towards one half by one jet of each class that ties
    with all others, as Wilson's interval of a binomial is, so that two perfectly ordered samples have an error.

    >>> round(auc_error(1.0, 2, 2), 2), round(auc_error(0.5, 50, 50), 3)
    (0.29, 0.058)
    """
    n, m = signal, background
    a = (area * n * m + (n + m + 1) / 2) / ((n + 1) * (m + 1))
    first, second = a / (2 - a), 2 * a**2 / (1 + a)
    return math.sqrt((a * (1 - a) + (n - 1) * (first - a**2) + (m - 1) * (second - a**2)) / (n * m))


def share_error(share: float, jets: float) -> float:
    """Return the standard error of a share of few jets: binomial, at the centre of Wilson's interval of two errors.

    Agresti & Coull, The American Statistician 52 (1998) 119: two jets of each kind are added.

    >>> round(share_error(1.0, 2), 2), round(share_error(0.5, 100), 2)
    (0.19, 0.05)
    """
    centre = (share * jets + 2) / (jets + 4)
    return math.sqrt(centre * (1 - centre) / (jets + 4))


def rejection_error(passed: float, jets: float) -> float:
    """Return the relative error of one over the share of background that passes, at one jet more than pass.

    >>> round(rejection_error(0.0, 10), 1), round(rejection_error(0.1, 1000), 2)
    (1.0, 0.09)
    """
    return math.sqrt(max(0.0, 1 - passed) / (passed * jets + 1))


def spread(values: NDArray[np.floating], floor: float, jets: float) -> float:
    """Return the standard deviation over resamplings ``(n,)``; of few jets, or where it is zero, at least the floor."""
    found = float(values.std(ddof=1))
    return max(found, floor) if jets < FEW or not found else found


def too_few(signal: int, background: int) -> str:
    """Return a sentence where a class has few jets, else nothing.

    >>> too_few(2, 300), too_few(200, 300)
    ('Too few jets for more than a first look: 2 signal and 300 others, errors by Hanley and McNeil.', '')
    """
    if min(signal, background) >= FEW:
        return ""
    return (
        f"Too few jets for more than a first look: {signal:,} signal and {background:,} others, errors by Hanley and "
        "McNeil."
    )
