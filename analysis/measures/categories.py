"""How well a latent category, found without labels, agrees with the classes of the jets."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.few import FEW, share_error
from analysis.measures.tagging import auc
from analysis.store import array, class_names, names, where


def category(tree: xr.DataTree, signal: str) -> dict[str, Any]:
    """Return AUC and accuracy of the first category against the class ``signal``; empty without the one or the other.

    Which category stands for the signal is not read off the labels: it is the one whose jets are wider on average, an
    observable (of QCD jets, W jets and top jets the heavier are wider). AUC of its probability, larger for signal;
    accuracy of calling a jet signal where it is the most probable; each with its binomial or bootstrap error.

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
    return {
        "auc": auc(p[is_signal, best], p[~is_signal, best])._asdict(),
        "accuracy": {"value": float(right.mean()), "error": accuracy_error(right)},
        "chosen": coordinates[best],
        "share": dict(zip(coordinates, p.mean(0).tolist(), strict=True)),
        "width": dict(zip(coordinates, mean_width.tolist(), strict=True)),
    }


def accuracy_error(right: NDArray[np.bool_]) -> float:
    """Return the binomial error of the share that is right; of few jets, or where none or all are, Agresti and Coull's.

    >>> accuracy_error(np.ones(4, bool)) > 0.1
    True
    """
    found = float(right.std() / len(right) ** 0.5)
    return share_error(float(right.mean()), len(right)) if len(right) < FEW or not found else found
