"""How well a score tells signal from background: ROC, AUC and its bootstrap error.

Jets whose score is NaN, because they could not be described, are left out; :func:`unscored` counts them. Infinite
scores have their place in the order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.few import auc_error, rejection_error, spread
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
    signal, background = known(signal), known(background)
    above_signal, above_background = _counts_above(
        signal, background, np.ones((1, len(signal))), np.ones((1, len(background)))
    )
    return Curve(above_signal[0] / len(signal), above_background[0] / len(background))


def known(scores: Values) -> Values:
    """Return the scores that are not NaN."""
    return scores[~np.isnan(scores)]


def auc(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> Estimate:
    r"""Return the area under the ROC curve, :math:`P(s > b) + \frac12 P(s = b)`, and its bootstrap error.

    ``signal`` ``(n,)`` and ``background`` ``(m,)`` are scores, larger for signal; the orientation is never chosen
    from the data, so an area below one half means what it says. The error is the standard deviation over ``repeats``
    resamplings of jets within each class; below 100 jets of a class, where that is too small, at least
    :func:`analysis.measures.few.auc_error`. NaN where no jet of a class has a score.

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0, np.nan])).value
    0.875
    """
    signal, background = asserted(signal, background)
    if not (len(signal) and len(background)):
        return Estimate(np.nan, np.nan)
    curves = resampled(signal, background, repeats, seed)
    return area_of(np.asarray(np.trapezoid(curves.signal, curves.background, axis=1)), len(signal), len(background))


def area_of(areas: Values, signal: int, background: int) -> Estimate:
    """Return the first of the areas ``(1 + repeats,)`` and its error, from the numbers of jets."""
    area = float(areas[0])
    return Estimate(area, spread(areas[1:], auc_error(area, signal, background), min(signal, background)))


def asserted(signal: Values, background: Values) -> tuple[Values, Values]:
    """Return the scores that are not NaN, after asserting that there are jets of both classes.

    Raises
    ------
    ValueError
        A class without jets.
    """
    if not (len(signal) and len(background)):
        raise ValueError("an AUC needs jets of both classes")
    return known(signal), known(background)


def resampled(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> Curve:
    """Return the ROC curve ``(1 + repeats, thresholds)``: first of the jets, then of resamplings within each class."""
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
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(scores) - 1)
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


def unscored(values: xr.DataArray) -> dict[str, int]:
    """Return score -> how many jets of ``(score, jet)`` have none, of the scores that some jets lack."""
    lacking = np.isnan(np.asarray(values.transpose("score", "jet"), float)).sum(1)
    return {name: int(count) for name, count in zip(names(values, "score"), lacking, strict=True) if count}


def performance(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> dict[str, Estimate]:
    r"""Return AUC, :math:`1/\epsilon_B` at each efficiency, and the largest significance improvement, with errors.

    ``auc``, ``rejection_30``, ``rejection_50``, ``improvement`` = :math:`\max \epsilon_S/\sqrt{\epsilon_B}` over
    thresholds that at least 10 background jets pass, NaN where there are not so many. Scores ``(n,)`` and ``(m,)`` are
    larger for signal. Errors are standard deviations over resamplings of the jets of each class, with a floor for few
    jets (:mod:`analysis.measures.few`); a rejection is at most m. NaN where no jet of a class has a score.

    >>> found = performance(np.arange(50.0, 150), np.arange(100.0))
    >>> round(found["auc"].value, 3), round(found["rejection_50"].value)
    (0.875, 100)
    """
    signal, background = asserted(signal, background)
    count, fewest = len(background), min(len(signal), len(background))
    rejections = [f"rejection_{100 * efficiency:.0f}" for efficiency in EFFICIENCIES]
    if not fewest:
        return dict.fromkeys(("auc", *rejections, "improvement"), Estimate(np.nan, np.nan))
    curves = resampled(signal, background, repeats, seed)
    areas = np.asarray(np.trapezoid(curves.signal, curves.background, axis=1))
    found = {"auc": area_of(areas, len(signal), count)}
    for name, efficiency in zip(rejections, EFFICIENCIES, strict=True):
        passed = np.array([np.interp(efficiency, s, b) for s, b in zip(curves.signal, curves.background, strict=True)])
        values = 1 / np.maximum(passed, 1 / count)
        floor = float(values[0]) * rejection_error(float(passed[0]), count)
        found[name] = Estimate(float(values[0]), spread(values[1:], floor, fewest))
    return found | {"improvement": improvement(curves, len(signal), count)}


def improvement(curves: Curve, signal: int, background: int) -> Estimate:
    r"""Return the largest :math:`\epsilon_S/\sqrt{\epsilon_B}` that at least 10 background jets support, else NaN."""
    if background < FEWEST:
        return Estimate(np.nan, np.nan)
    enough = curves.background * background >= FEWEST
    gain = np.where(enough, curves.signal / np.sqrt(np.where(enough, curves.background, 1.0)), 0.0)
    largest, best = float(gain[0].max()), int(gain[0].argmax())
    passed = float(curves.background[0, best])
    floor = largest * np.hypot(rejection_error(passed, background) / 2, rejection_error(curves.signal[0, best], signal))
    return Estimate(largest, spread(gain[1:].max(1), float(floor), min(signal, background)))


def performance_table(values: xr.DataArray, is_signal: NDArray[np.bool_]) -> dict[str, dict[str, Estimate]]:
    """Return score -> the numbers of :func:`performance`, of scores (score, jet) and a mask of the signal (jet,)."""
    rows = {name: np.asarray(values.sel(score=name)) for name in names(values, "score")}
    return {name: performance(row[is_signal], row[~is_signal]) for name, row in rows.items()}
