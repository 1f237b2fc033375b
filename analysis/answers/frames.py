"""Jets and what a run says of them as one table, a row a jet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from jets import Jets
from jets.dataset import GROUPS

PREFIXES = {"centre": "latent", "q": "posterior", "kl": "kl", "score": "score"}
"""Variable of an encoding -> what its columns begin with."""
SINGLE = ("kl_total", "reconstruction", "elbo", "odd", "p_value")
"""Variables with one number a jet, columns under their own names, where there are any."""


def answer_columns(found: xr.Dataset) -> dict[str, NDArray]:
    """Return the columns of an encoding, each ``(N,)``: ``latent_R2_0``, ``posterior_R2_loc_0``, ``kl_R2_0``, ..."""
    columns: dict[str, NDArray] = {}
    for name, prefix in PREFIXES.items():
        values = found[name]
        labels = values[values.dims[1]].values
        columns |= {f"{prefix}_{label}": values.values[:, i] for i, label in enumerate(labels)}
    return columns | {name: found[name].values for name in SINGLE if name in found}


def own_columns(jets: Jets) -> dict[str, NDArray]:
    """Return what jets have of their own, each ``(N,)``: event number, class, weight, and their columns."""
    columns: dict[str, NDArray] = {} if jets.events is None else {"event_number": jets.events}
    columns["class"] = np.array(jets.classes)[jets.label]
    if jets.weights is not None:
        columns["weight"] = jets.weights
    for group in GROUPS:
        for name, values in getattr(jets, group).items():
            columns[name if name not in columns else f"{group}_{name}"] = values
    return columns


def beside(own: Mapping[str, NDArray], found: xr.Dataset, rows: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Return own columns ``(count,)`` with the answers beside them, NaN in rows without an answer.

    A column of the user's that has the name of an answer becomes ``own_<name>``. ``rows`` ``(N,)`` are those of the
    answers; by default all.
    """
    answers = answer_columns(found)
    columns: dict[str, Any] = {f"own_{name}" if name in answers else name: values for name, values in own.items()}
    if rows is not None:
        count = len(next(iter(own.values())))
        answers = {name: spread(values, rows, count) for name, values in answers.items()}
    return pd.DataFrame(columns | answers)


def spread(values: NDArray, rows: NDArray[np.int64], count: int) -> NDArray:
    """Return values ``(N,)`` at ``rows`` of ``count``, NaN elsewhere.

    >>> spread(np.array([1.0, 2.0]), np.array([0, 2]), 3)
    array([ 1., nan,  2.])
    """
    full = np.full(count, np.nan, values.dtype)
    full[rows] = values
    return full
