"""Event weights of the jets that are measured: which there are, means with them, and where they cancel."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jets.errors import UserError
from jets.weights import effective

Values = NDArray[np.floating]
FEWEST_SIGNED = 16.0
"""Effective number of jets with weights of both signs that an error must rest on: a sum four errors from zero."""


class CancelledWeightsError(UserError):
    """Weights of both signs leave no sum to divide by."""


def weight_of(values: xr.DataArray | xr.Dataset) -> Values | None:
    """Return the weights that go with values (.., jet), or a dataset, ``(jet,)``; None where there are none."""
    return np.asarray(values["weight"], np.float64) if "weight" in values.coords or "weight" in values else None


def with_weights(values: xr.DataArray, tree: xr.DataTree) -> xr.DataArray:
    """Return values (.., jet) of a tree with its weights as the coordinate ``weight``, where it has any."""
    found = weight_of(tree["constant_data"].to_dataset())
    return values if found is None else values.assign_coords(weight=("jet", found))


def mean_over_jets(values: xr.DataArray, tree: xr.DataTree) -> xr.DataArray:
    r"""Return :math:`\sum w v / \sum w` of values (.., jet), the plain mean where the tree has no weights.

    Jets whose value is NaN are left out of both sums.

    Raises
    ------
    CancelledWeightsError
        The weights do not have a positive sum.
    """
    found = weight_of(tree["constant_data"].to_dataset())
    if found is None:
        return values.mean("jet")
    assert_sum(found)
    weight = xr.DataArray(found, dims="jet")
    return (values * weight).sum("jet") / weight.where(values.notnull(), 0).sum("jet")


def assert_sum(weights: Values, what: str = "jets") -> None:
    """Assert that weights have a sum to divide by; of both signs, one that is four errors above zero.

    Raises
    ------
    CancelledWeightsError
        They have not.
    """
    total = float(weights.sum())
    if total > 0 and ((weights >= 0).all() or effective(weights) >= FEWEST_SIGNED):
        return
    error = float(np.sqrt((weights**2).sum()))
    raise CancelledWeightsError(
        f"the weights of {len(weights):,} {what} sum to {total:.3g} ± {error:.2g}: those of both signs cancel; give "
        "more jets"
    )
