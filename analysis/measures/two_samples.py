"""Do KL, distortion, D1 and D2 of the jets of two samples differ in the same models? Numpy and xarray alone.

Jets that no model was trained on are described by models of both samples, and each counts with the mean of the models
of a pair. Given the models, these jets are exchangeable if both samples have one distribution, however well or badly
the models were trained: the test needs no error of a training. Of several pairs each has its own held-out jets; a
jet that several pairs hold out counts with its mean over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.exchange import PERMUTATIONS, exchanged
from jets.weights import effective

LEVEL = 0.05
"""p-value below which a difference is called one."""
TOLD = 0.01
"""KL [nat] below which models have no information on jets: what is left of their networks there is not tested."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Held(NamedTuple):
    """Jets of one sample that the models of a pair hold out.

    Attributes
    ----------
    values
        ``(curve, beta, n)``, the mean of both models.
    weights
        ``(n,)``.
    number
        ``(n,)``, in the sample.
    unit
        ``(n,)``, the number of the event, in both samples the same for the same event.
    """

    values: Array
    weights: Array
    number: Index
    unit: Index


Pair = tuple[Held, Held]
"""Held-out jets of the first and of the second sample."""


class Pooled(NamedTuple):
    """Jets of both: values ``(N, curve x beta)``, weights, whether of the second sample, and events ``(N,)``."""

    values: Array
    weights: Array
    second: NDArray[np.bool_]
    unit: Index


def pooled(pairs: Sequence[Pair]) -> Pooled:
    """Return each jet with the mean over the pairs that hold it out, and its weight times their number.

    What a pair has in common, as models with more information, is taken off before: its mean over both samples.
    Weights have mean one in each sample.
    """
    key = np.concatenate([named(held, k) for pair in pairs for k, held in enumerate(pair)])
    table = np.concatenate([row for pair in pairs for row in centred(pair)])
    weights = np.concatenate([held.weights for pair in pairs for held in pair])
    jets, place, inverse, count = np.unique(key, axis=0, return_index=True, return_inverse=True, return_counts=True)
    values = np.zeros((len(jets), table.shape[1]))
    np.add.at(values, inverse.ravel(), table)
    second, own = jets[:, 0] == 1, (weights[place] * count).astype(np.float64)
    for sample in (second, ~second):
        own[sample] /= own[sample].mean()
    return Pooled(values / count[:, None], own, second, jets[:, 2])


def named(held: Held, sample: int) -> Index:
    """Return sample, number and event of jets, ``(n, 3)``."""
    return np.stack([np.full(len(held.number), sample), held.number, held.unit], 1)


def centred(pair: Pair) -> list[Array]:
    """Return the values of a pair as ``(n, curve x beta)`` of each sample, less their mean over both."""
    rows = [held.values.reshape(-1, held.values.shape[-1]).T for held in pair]
    weights = [held.weights / held.weights.mean() for held in pair]
    middle = np.average(np.concatenate(rows), 0, np.concatenate(weights))
    return [own - middle for own in rows]


def differences(pairs: Sequence[Pair], curves: Sequence[str], beta: Array, seed: int = 0) -> xr.Dataset:
    """Return the differences second - first of the jets of two samples in the same models, and their p-values.

    Parameters
    ----------
    pairs
        At least one.
    curves
        Names of the first axis of their values.
    beta
        Of the second.
    seed
        Of the permutations.

    Returns
    -------
    xarray.Dataset
        Along (curve, beta): ``same_models_difference``; ``t``, that in its errors; ``p``, the probability of a t as
        large anywhere along the curve where nothing differs (:meth:`analysis.measures.exchange.Exchanged.adjusted`);
        0 and 1 of ``kl`` and ``D2`` where the mean KL is less than 0.01 nat.
        Along curve: ``curve_p``, that of its largest t, and ``critical``, the t that is exceeded somewhere with a
        probability of 5 %. Attributes: ``p`` of the largest t of all curves, ``permutations``, ``jets_tested`` and
        ``jets_effective`` of each sample, ``events_of_both``, how many have jets of both samples.
    """
    jets, shape = pooled(pairs), (len(curves), len(beta))
    jets.values[:, silent(pairs, curves).ravel()] = 0.0
    found = exchanged(jets.values, jets.second, weights=jets.weights, unit=jets.unit, seed=seed)
    own = ("curve", "beta")
    rows = np.arange(shape[0] * shape[1]).reshape(shape)
    variables = {
        "same_models_difference": (own, difference(jets).reshape(shape)),
        "t": (own, found.t.reshape(shape)),
        "p": (own, np.stack([found.adjusted(row) for row in rows])),
        "curve_p": ("curve", [found.p(row) for row in rows]),
        "critical": ("curve", [found.critical(row, LEVEL) for row in rows]),
    }
    sides = (~jets.second, jets.second)
    shared = np.intersect1d(jets.unit[sides[0]], jets.unit[sides[1]])
    known: dict[str, Any] = {"p": found.p(), "permutations": PERMUTATIONS, "events_of_both": len(shared)}
    known |= {"jets_tested": [int(side.sum()) for side in sides]}
    known |= {"jets_effective": [float(effective(jets.weights[side])) for side in sides]}
    return xr.Dataset(variables, {"curve": list(curves), "beta": beta}, known)


def silent(pairs: Sequence[Pair], curves: Sequence[str]) -> NDArray[np.bool_]:
    """Return where there is no information, ``(curve, beta)``: KL and D2 where the mean KL is below ``TOLD``."""
    kl = np.concatenate([held.values[list(curves).index("kl")] for pair in pairs for held in pair], 1).mean(1)
    return np.stack([(kl < TOLD) & (name in ("kl", "D2")) for name in curves])


def difference(jets: Pooled) -> Array:
    """Return the difference of the weighted means, second - first, ``(curve x beta,)``."""
    first, second = (np.average(jets.values[own], 0, jets.weights[own]) for own in (~jets.second, jets.second))
    return second - first


def spans(found: xr.Dataset, curve: str) -> list[tuple[float, float]]:
    """Return the ranges of beta in which a curve differs, from the first to the last resolution of each."""
    low = np.asarray(found["p"].sel(curve=curve)) < LEVEL
    beta, edges = np.asarray(found["beta"]), np.flatnonzero(np.diff(np.r_[0, low.astype(int), 0]))
    return [(float(beta[a]), float(beta[b - 1])) for a, b in edges.reshape(-1, 2)]
