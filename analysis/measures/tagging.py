"""How well a score tells signal from background: ROC, AUC and its bootstrap error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import array, class_names, names

Values = NDArray[np.floating]
EFFICIENCIES = (0.3, 0.5)
"""Signal efficiencies at which the background rejection is read off."""
FEWEST = 10
"""Background jets above threshold that a significance improvement must rest on."""


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


class Curve(NamedTuple):
    """A ROC curve: efficiencies of signal and background at falling thresholds, both from 0 to 1."""

    signal: Values
    background: Values


def roc(signal: Values, background: Values) -> Curve:
    """Return the ROC curve of a score that is larger for signal; tied scores share one point.

    >>> roc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    Curve(signal=array([0. , 0.5, 1. , 1. ]), background=array([0. , 0. , 0.5, 1. ]))
    """
    above_signal, above_background = _counts_above(
        signal, background, np.ones((1, len(signal))), np.ones((1, len(background)))
    )
    return Curve(above_signal[0] / len(signal), above_background[0] / len(background))


def auc(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> Estimate:
    r"""Return the area under the ROC curve, :math:`P(s > b) + \frac12 P(s = b)`, and its bootstrap error.

    ``signal`` ``(n,)`` and ``background`` ``(m,)`` are scores, larger for signal; the orientation is never chosen
    from the data, so an area below one half means what it says. The error is the standard deviation over ``repeats``
    resamplings of jets within each class.

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0])).value
    0.875
    """
    curves = resampled(signal, background, repeats, seed)
    areas = np.asarray(np.trapezoid(curves.signal, curves.background, axis=1))
    return Estimate(float(areas[0]), float(areas[1:].std(ddof=1)))


def resampled(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> Curve:
    """Return the ROC curve ``(1 + repeats, thresholds)``: first of the jets, then of resamplings within each class.

    Raises
    ------
    ValueError
        A class without jets.
    """
    if not (len(signal) and len(background)):
        raise ValueError("an AUC needs jets of both classes")
    random = np.random.default_rng(seed)
    weights = [
        np.vstack([np.ones(len(x)), [drawn(len(x), random) for _ in range(repeats)]]) for x in (signal, background)
    ]
    above_signal, above_background = _counts_above(signal, background, *weights)
    return Curve(above_signal / len(signal), above_background / len(background))


def drawn(count: int, random: np.random.Generator) -> Values:
    """Return how often each of ``count`` jets is in one resampling of as many, ``(count,)``."""
    # a multinomial draw of so many categories takes ten times as long
    return np.bincount(random.integers(count, size=count), minlength=count).astype(float)


def _counts_above(signal: Values, background: Values, w_signal: Values, w_background: Values) -> tuple[Values, Values]:
    """Return weighted numbers of signal and background at or above each distinct score, descending, from 0."""
    scores = np.concatenate([signal, background])
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    is_signal = order < len(signal)
    counts = []
    for weights, mine, offset in ((w_signal, is_signal, 0), (w_background, ~is_signal, len(signal))):
        spread = np.zeros((len(weights), len(scores)))
        spread[:, mine] = weights[:, order[mine] - offset]
        counts.append(np.pad(spread.cumsum(1)[:, last], ((0, 0), (1, 0))))
    return counts[0], counts[1]


def separate(tree: xr.DataTree, signal: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the scores ``(score, jet)`` of the signal class and of all other jets."""
    scores = array(tree, "scores/score_value")
    is_signal = class_names(tree) == signal
    return scores.isel(jet=np.flatnonzero(is_signal)), scores.isel(jet=np.flatnonzero(~is_signal))


def auc_table(tree: xr.DataTree, signal: str) -> dict[str, Estimate]:
    """Return the AUC of every score of the tree, signal against all other classes; empty without two classes."""
    positive, negative = separate(tree, signal)
    if not (positive.sizes["jet"] and negative.sizes["jet"]):
        return {}
    return {
        name: auc(np.asarray(positive.sel(score=name)), np.asarray(negative.sel(score=name)))
        for name in names(positive, "score")
    }


def performance(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> dict[str, Estimate]:
    r"""Return AUC, :math:`1/\epsilon_B` at each efficiency, and the largest significance improvement, with errors.

    ``auc``, ``rejection_30``, ``rejection_50``, ``improvement`` = :math:`\max \epsilon_S/\sqrt{\epsilon_B}` over
    thresholds that at least 10 background jets pass. Scores ``(n,)`` and ``(m,)`` are larger for signal. Errors are
    standard deviations over resamplings of the jets of each class; a rejection is at most m.

    >>> found = performance(np.arange(50.0, 150), np.arange(100.0))
    >>> round(found["auc"].value, 3), round(found["rejection_50"].value)
    (0.875, 100)
    """
    curves = resampled(signal, background, repeats, seed)
    table = {"auc": np.asarray(np.trapezoid(curves.signal, curves.background, axis=1))}
    for efficiency in EFFICIENCIES:
        passed = [np.interp(efficiency, s, b) for s, b in zip(curves.signal, curves.background, strict=True)]
        table[f"rejection_{100 * efficiency:.0f}"] = 1 / np.maximum(passed, 1 / len(background))
    enough = curves.background * len(background) >= FEWEST
    gain = np.where(enough, curves.signal / np.sqrt(np.where(enough, curves.background, 1.0)), 0.0)
    table["improvement"] = gain.max(1)
    return {name: Estimate(float(v[0]), float(v[1:].std(ddof=1))) for name, v in table.items()}


def performance_table(values: xr.DataArray, is_signal: NDArray[np.bool_]) -> dict[str, dict[str, Estimate]]:
    """Return score -> the numbers of :func:`performance`, of scores (score, jet) and a mask of the signal (jet,)."""
    rows = {name: np.asarray(values.sel(score=name)) for name in names(values, "score")}
    return {name: performance(row[is_signal], row[~is_signal]) for name, row in rows.items()}
