r"""How well a score separates signal from background: ROC, AUC and its bootstrap error.

Jets whose score is NaN, because they could not be described, are left out; :func:`unscored` counts them. Infinite
scores have their place in the order. Jets may have weights, of either sign: then every sum over jets is weighted, and
what asks for a number of jets takes that of jets of equal weight, :math:`(\sum w)^2 / \sum w^2`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.few import auc_error, rejection_error, spread
from analysis.measures.weighting import CancelledWeightsError, assert_sum, weight_of, with_weights
from analysis.store import array, class_names, names
from jets.checks import say
from jets.weights import effective

Values = NDArray[np.floating]
EFFICIENCIES = (0.3, 0.5)
"""Signal efficiencies at which the background rejection is read off."""
FEWEST = 10
"""Background jets above threshold that a significance improvement must rest on."""


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


NONE = Estimate(np.nan, np.nan)
"""Of a number that there is not."""
MEASURES = ("auc", *(f"rejection_{100 * efficiency:.0f}" for efficiency in EFFICIENCIES), "improvement")
"""What :func:`performance` measures."""


class Curve(NamedTuple):
    """A ROC curve: efficiencies of signal and background at falling thresholds, both from 0 to 1."""

    signal: Values
    background: Values


class Sample(NamedTuple):
    """Scores of the jets of one class that have one, ``(n,)``, and their weights, where there are any."""

    scores: Values
    weight: Values | None

    @property
    def size(self) -> float:
        """Number of jets, of such of equal weight."""
        return len(self.scores) if self.weight is None else effective(self.weight)


Weights = tuple[Values, Values]
"""Of signal ``(n,)`` and background ``(m,)``."""


def roc(signal: Values, background: Values, weights: Weights | None = None) -> Curve:
    """Return the ROC curve of a score that is larger for signal; tied scores share one point.

    With weights of both signs it need not rise everywhere.

    >>> roc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    Curve(signal=array([0. , 0.5, 1. , 1. ]), background=array([0. , 0. , 0.5, 1. ]))
    """
    found = resampled(*asserted(signal, background, weights), repeats=0).curve
    return Curve(found.signal[0], found.background[0])


def passed_at(curve: Curve, efficiency: float | Values) -> Values:
    """Return the background efficiency of a curve where the signal efficiency first reaches ``efficiency``."""
    return np.asarray(np.interp(efficiency, np.maximum.accumulate(curve.signal), curve.background))


def auc(
    signal: Values, background: Values, repeats: int = 200, seed: int = 0, *, weights: Weights | None = None
) -> Estimate:
    r"""Return the area under the ROC curve, :math:`P(s > b) + \frac12 P(s = b)`, and its bootstrap error.

    ``signal`` ``(n,)`` and ``background`` ``(m,)`` are scores, larger for signal; the orientation is never chosen
    from the data, so an area below one half means what it says. The error is the standard deviation over ``repeats``
    resamplings of jets within each class; below 100 jets of a class, where that is too small, at least
    :func:`analysis.measures.few.auc_error`. NaN where no jet of a class has a score. With ``weights``
    :math:`\sum w_s w_b\,(\ldots) / \sum w_s \sum w_b`; where some are negative, it may leave 0 to 1.

    Raises
    ------
    ValueError
        A class without jets, or one whose weights cancel.

    Examples
    --------
    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0, np.nan])).value
    0.875
    """
    pair = asserted(signal, background, weights)
    if not (pair[0].size and pair[1].size):
        return Estimate(np.nan, np.nan)
    curves = resampled(*pair, repeats, seed).curve
    return area_of(np.asarray(np.trapezoid(curves.signal, curves.background, axis=1)), pair[0].size, pair[1].size)


def area_of(areas: Values, signal: float, background: float) -> Estimate:
    """Return the first of the areas ``(1 + repeats,)`` and its error, from the numbers of jets."""
    area = float(areas[0])
    floor = auc_error(min(1.0, max(0.0, area)), signal, background)
    return Estimate(area, spread(areas[1:], floor, min(signal, background)))


def asserted(signal: Values, background: Values, weights: Weights | None) -> tuple[Sample, Sample]:
    """Return the jets whose scores are not NaN, after asserting that there are jets of both classes.

    Raises
    ------
    ValueError
        A class without jets, or as many weights as jets are not there.
    CancelledWeightsError
        The weights of a class cancel.
    """
    if not (len(signal) and len(background)):
        raise ValueError("an AUC needs jets of both classes")
    found = []
    for scores, weight, what in zip((signal, background), weights or (None, None), ("signal", "others"), strict=True):
        there = ~np.isnan(scores)
        if weight is not None:
            weight = np.asarray(weight, np.float64)
            if weight.shape != np.shape(scores) or not np.isfinite(weight).all():
                raise ValueError(f"{what}: {np.shape(scores)} scores need as many finite weights, got {weight.shape}")
            weight = weight[there]
            if len(weight):
                assert_sum(weight, what)
        found.append(Sample(scores[there], weight))
    return found[0], found[1]


class Resampled(NamedTuple):
    """ROC curves ``(1 + repeats, thresholds)`` and the number of background jets above each, of equal weight."""

    curve: Curve
    passing: Values


def resampled(signal: Sample, background: Sample, repeats: int = 200, seed: int = 0) -> Resampled:
    """Return the ROC curve ``(1 + repeats, thresholds)``: first of the jets, then of resamplings within each class."""
    random = np.random.default_rng(seed)
    counts = [
        np.vstack([np.ones((1, len(x.scores))), *(drawn(len(x.scores), random)[None] for _ in range(repeats))])
        for x in (signal, background)
    ]
    weighted = [n if x.weight is None else n * x.weight for n, x in zip(counts, (signal, background), strict=True)]
    above_signal, above = _counts_above(signal.scores, background.scores, *weighted)
    curve = Curve(above_signal / above_signal[:, -1:], above / above[:, -1:])
    if background.weight is None:
        return Resampled(curve, curve.background * len(background.scores))
    squares = _counts_above(signal.scores, background.scores, weighted[0], weighted[1] * background.weight)[1]
    return Resampled(curve, above * np.abs(above) / np.maximum(squares, np.finfo(float).tiny))


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
    """Return the scores ``(score, jet)`` of the signal class and of all other jets, with their weights."""
    scores = with_weights(array(tree, "scores/score_value"), tree)
    is_signal = class_names(tree) == signal
    return scores.isel(jet=np.flatnonzero(is_signal)), scores.isel(jet=np.flatnonzero(~is_signal))


def auc_table(tree: xr.DataTree, signal: str) -> dict[str, Estimate]:
    """Return the AUC of every score of the tree, signal against all other classes; empty without two classes."""
    positive, negative = separate(tree, signal)
    if not (positive.sizes["jet"] and negative.sizes["jet"]):
        return {}
    weights = weights_of(positive, negative)
    if isinstance(weights, str):
        say(f"no AUC: {weights}")
        return dict.fromkeys(names(positive, "score"), NONE)
    return {
        name: auc(np.asarray(positive.sel(score=name)), np.asarray(negative.sel(score=name)), weights=weights)
        for name in names(positive, "score")
    }


def weights_of(positive: xr.DataArray, negative: xr.DataArray) -> Weights | str | None:
    """Return the weights of the signal and of all other jets; None where they have none, why, where they cancel."""
    signal, background = weight_of(positive), weight_of(negative)
    if signal is None or background is None:
        return None
    try:
        assert_sum(signal, "signal jets")
        assert_sum(background, "other jets")
    except CancelledWeightsError as error:
        return str(error)
    return signal, background


def unscored(values: xr.DataArray) -> dict[str, int]:
    """Return score -> how many jets of ``(score, jet)`` have none, of the scores that some jets lack."""
    lacking = np.isnan(np.asarray(values.transpose("score", "jet"), float)).sum(1)
    return {name: int(count) for name, count in zip(names(values, "score"), lacking, strict=True) if count}


def performance(
    signal: Values, background: Values, repeats: int = 200, seed: int = 0, *, weights: Weights | None = None
) -> dict[str, Estimate]:
    r"""Return AUC, :math:`1/\epsilon_B` at each efficiency, and the largest significance improvement, with errors.

    ``auc``, ``rejection_30``, ``rejection_50``, ``improvement`` = :math:`\max \epsilon_S/\sqrt{\epsilon_B}` over
    thresholds that at least 10 background jets pass, NaN where there are not so many. Scores ``(n,)`` and ``(m,)`` are
    larger for signal. Errors are standard deviations over resamplings of the jets of each class, with a floor for few
    jets (:mod:`analysis.measures.few`); a rejection is at most m. NaN where no jet of a class has a score. With weights
    of both signs a signal efficiency is where the curve first reaches it. Same errors as :func:`auc`.

    >>> found = performance(np.arange(50.0, 150), np.arange(100.0))
    >>> round(found["auc"].value, 3), round(found["rejection_50"].value)
    (0.875, 100)
    """
    pair = asserted(signal, background, weights)
    count, fewest = pair[1].size, min(pair[0].size, pair[1].size)
    if not fewest:
        return dict.fromkeys(MEASURES, NONE)
    curves, passing = resampled(*pair, repeats, seed)
    areas = np.asarray(np.trapezoid(curves.signal, curves.background, axis=1))
    found = {"auc": area_of(areas, pair[0].size, count)}
    for name, efficiency in zip(MEASURES[1:], EFFICIENCIES, strict=False):
        passed = np.array([passed_at(Curve(s, b), efficiency) for s, b in zip(*curves, strict=True)])
        values = 1 / np.maximum(passed, 1 / count)
        floor = float(values[0]) * rejection_error(max(0.0, float(passed[0])), count)
        found[name] = Estimate(float(values[0]), spread(values[1:], floor, fewest))
    return found | {"improvement": improvement(curves, passing, pair[0].size, count)}


def improvement(curves: Curve, passing: Values, signal: float, background: float) -> Estimate:
    r"""Return the largest :math:`\epsilon_S/\sqrt{\epsilon_B}` that at least 10 background jets support, else NaN."""
    enough = passing >= FEWEST
    if background < FEWEST or not enough[0].any():
        return NONE
    gain = np.where(enough, curves.signal / np.sqrt(np.where(enough, curves.background, 1.0)), 0.0)
    largest, best = float(gain[0].max()), int(gain[0].argmax())
    passed = float(curves.background[0, best])
    of_signal = rejection_error(max(0.0, float(curves.signal[0, best])), signal)
    floor = largest * np.hypot(rejection_error(passed, background) / 2, of_signal)
    return Estimate(largest, spread(gain[1:].max(1), float(floor), min(signal, background)))


def performance_table(values: xr.DataArray, is_signal: NDArray[np.bool_]) -> dict[str, dict[str, Estimate]]:
    """Return score -> the numbers of :func:`performance`, of scores (score, jet) and a mask of the signal (jet,)."""
    positive, negative = values.isel(jet=np.flatnonzero(is_signal)), values.isel(jet=np.flatnonzero(~is_signal))
    if isinstance(weights := weights_of(positive, negative), str):
        say(f"no AUC: {weights}")
    return {name: performance_of(positive, negative, name) for name in names(values, "score")}


def performance_of(positive: xr.DataArray, negative: xr.DataArray, name: str) -> dict[str, Estimate]:
    """Return :func:`performance` of one score of the signal and of all other jets, each (score, jet), by their weights.

    NaN where those cancel: :func:`weights_of` says so.
    """
    weights = weights_of(positive, negative)
    if isinstance(weights, str):
        return dict.fromkeys(MEASURES, NONE)
    return performance(np.asarray(positive.sel(score=name)), np.asarray(negative.sel(score=name)), weights=weights)
