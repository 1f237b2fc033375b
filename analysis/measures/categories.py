"""Which category or manifold jets live on: by class, and how well it agrees with the classes, found without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.few import FEW, share_error
from analysis.measures.tagging import auc
from analysis.measures.weighting import CancelledWeightsError, mean_over_jets, weight_of, with_weights
from analysis.store import array, class_names, classes, names, where
from jets.weights import effective


def category(tree: xr.DataTree, signal: str) -> dict[str, Any]:
    """Return AUC and accuracy of the first category against the class ``signal``; empty without the one or the other.

    Which category stands for the signal is not read off the labels: it is the one whose jets are wider on average, an
    observable (of QCD jets, W jets and top jets the heavier are wider). AUC of its probability, larger for signal;
    accuracy of calling a jet signal where it is the most probable; each with its binomial or bootstrap error. Event
    weights count in these two and in the shares, not in the mean widths; empty where they cancel.

    Returns
    -------
    dict
        ``auc`` and ``accuracy``, each {value, error}; ``chosen``, the coordinate; ``share`` and ``width`` [rad],
        coordinate -> its part of the jets and their mean width.
    """
    points, is_signal = array(tree, "guide_params/point"), class_names(tree) == signal
    found = where(points, "coordinate", kind="category")
    if not found.sizes["coordinate"] or is_signal.all() or not is_signal.any():
        return {}
    found = where(found, "coordinate", factor=names(found, "factor")[0])
    coordinates = names(found, "coordinate")
    p = np.asarray(found, float)
    width = np.asarray(array(tree, "constant_data/width"))
    mean_width = (p * width[:, None]).sum(0) / p.sum(0)
    best = int(mean_width.argmax())
    right = (p.argmax(1) == best) == is_signal
    weight = weight_of(tree["constant_data"].to_dataset())
    pair = None if weight is None else (weight[is_signal], weight[~is_signal])
    try:
        area = auc(p[is_signal, best], p[~is_signal, best], weights=pair)
    except CancelledWeightsError:
        return {}
    return {
        "auc": area._asdict(),
        "accuracy": accuracy(right, weight),
        "chosen": coordinates[best],
        "share": dict(zip(coordinates, np.average(p, 0, weight).tolist(), strict=True)),
        "width": dict(zip(coordinates, mean_width.tolist(), strict=True)),
    }


def accuracy(right: NDArray[np.bool_], weight: NDArray[np.floating] | None) -> dict[str, float]:
    """Return value and error of the share of jets that are right, weighted where they have weights."""
    if weight is None:
        return {"value": float(right.mean()), "error": accuracy_error(right)}
    value = float(np.average(right, weights=weight))
    error = float(np.sqrt((weight**2 * (right - value) ** 2).sum()) / weight.sum())
    floor = share_error(min(1.0, max(0.0, value)), max(1.0, effective(weight)))
    return {"value": value, "error": max(error, floor) if effective(weight) < FEW or not error else error}


def accuracy_error(right: NDArray[np.bool_]) -> float:
    """Return the binomial error of the share that is right; of few jets, or where none or all are, Agresti and Coull's.

    >>> accuracy_error(np.ones(4, bool)) > 0.1
    True
    """
    found = float(right.std() / len(right) ** 0.5)
    return share_error(float(right.mean()), len(right)) if len(right) < FEW or not found else found


def shares(tree: xr.DataTree) -> xr.DataArray | None:
    """Return the part of the jets of each class that each category or manifold has; None where there are no categories.

    Of the first category: the mean of its probabilities, by event weights, ``(class, category)``; rows sum to one.
    """
    found = where(array(tree, "guide_params/point"), "coordinate", kind="category")
    if not found.sizes["coordinate"]:
        return None
    values, label = where(found, "coordinate", factor=names(found, "factor")[0]), class_names(tree)
    values = with_weights(values, tree)
    known = [name for name in classes(tree) if (label == name).any()]
    parts = [mean_over_jets(values.isel(jet=np.flatnonzero(label == name))) for name in known]
    return xr.concat(parts, xr.Variable("class", known)).rename(coordinate="category")


def manifold_names(latent: str, categories: list[str]) -> list[str]:
    """Return the manifolds of a plain superposition as its string has them; otherwise the categories as they are.

    >>> manifold_names("R1 | S1 x R2", ["M2_0", "M2_1"]), manifold_names("C2 x R2", ["C2_0", "C2_1"])
    (['R1', 'S1 x R2'], ['C2_0', 'C2_1'])
    """
    found = [part.strip() for part in latent.split("|")]
    plain = "(" not in latent and len(found) == len(categories) > 1
    return found if plain and len(set(found)) == len(found) else categories
