"""Event weights of the jets that are measured: which there are, means with them, and where they cancel."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import array
from jets.checks import say
from jets.errors import UserError
from jets.weights import effective

Values = NDArray[np.floating]
FEWEST_SIGNED = 16.0
"""Effective number of jets with weights of both signs that an error must rest on: a sum four errors from zero."""


class CancelledWeightsError(UserError):
    """Weights of both signs leave no sum to divide by."""


def weight_of(values: xr.DataArray | xr.Dataset) -> Values | None:
    """Return the weights that belong to values (.., jet), or a dataset, ``(jet,)``; None where there are none."""
    return np.asarray(values["weight"], np.float64) if "weight" in values.coords or "weight" in values else None


def with_weights(values: xr.DataArray, tree: xr.DataTree) -> xr.DataArray:
    """Return values (.., jet) of a tree with its weights as the coordinate ``weight``, where it has any."""
    found = weight_of(tree["constant_data"].to_dataset()) if "constant_data" in tree else None
    return values if found is None else values.assign_coords(weight=("jet", found))


def mean_of(tree: xr.DataTree, path: str) -> xr.DataArray:
    """Return the mean over jets of the variable at ``group/name``, by their weights."""
    return mean_over_jets(with_weights(array(tree, path), tree))


def mean_over_jets(values: xr.DataArray) -> xr.DataArray:
    r"""Return :math:`\sum w v / \sum w` of values (.., jet), the plain mean where they have no coordinate ``weight``.

    Jets whose value is NaN are left out of both sums. NaN where the weights cancel.
    """
    found = weight_of(values)
    if found is None:
        return values.mean("jet")
    weight, bare = xr.DataArray(found, dims="jet"), values.drop_vars("weight")
    mean = (bare * weight).sum("jet") / weight.where(bare.notnull(), 0).sum("jet")
    return mean * np.nan if cancel(found) else mean


def mean_error(values: xr.DataArray, ddof: int = 1) -> xr.DataArray:
    r"""Return the standard error of :func:`mean_over_jets`; NaN from one jet.

    With weights :math:`\sqrt{\sum w^2 (v - \bar v)^2} / \sum w`.
    """
    found, count = weight_of(values), values.sizes["jet"]
    if found is None:
        return values.std("jet", ddof=ddof) / np.sqrt(count) if count > ddof else values.mean("jet") * np.nan
    weight, bare = xr.DataArray(found, dims="jet"), values.drop_vars("weight")
    squares = (weight**2 * (bare - mean_over_jets(values)) ** 2).sum("jet", skipna=False)
    return squares**0.5 / weight.sum("jet") if count > 1 else bare.mean("jet") * np.nan


def cancel(weights: Values) -> bool:
    """Whether weights have no sum to divide by; of both signs, none that is four errors above zero."""
    return not (weights.sum() > 0 and ((weights >= 0).all() or effective(weights) >= FEWEST_SIGNED))


def assert_sum(weights: Values, what: str = "jets") -> None:
    """Assert that weights have a sum to divide by; of both signs, one that is four errors above zero.

    Raises
    ------
    CancelledWeightsError
        They have not.
    """
    if cancel(weights):
        raise CancelledWeightsError(why(weights, what))


def why(weights: Values, what: str = "jets") -> str:
    """Say that weights cancel."""
    total, error = float(weights.sum()), float(np.sqrt((weights**2).sum()))
    return (
        f"the weights of {len(weights):,} {what} sum to {total:.3g} ± {error:.2g}: those of both signs cancel; give "
        "more jets"
    )


def say_if_cancelled(tree: xr.DataTree) -> None:
    """Say why there are no means, where the weights of all jets of a tree cancel."""
    found = weight_of(tree["constant_data"].to_dataset())
    if found is not None and cancel(found):
        say(f"no means over jets: {why(found)}")
