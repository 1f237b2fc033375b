r"""Errors of curves against resolution: of the jets, of the seed, of the training; none where a part is unknown.

What a training lacks enters KL, D1 and D2 in first order, the rate and D derived from the objective in second
(:mod:`analysis.measures.dimension_curves`). So the differences of the first from the second are measured errors of
theirs; an error of the second is what a probe changes (:mod:`analysis.measures.probing`).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float64]

CURVES = ("kl", "distortion", "distance", "D1", "D2", "rate", "D")
PARTS = ("jets", "seeds", "training")
"""Of an error: ``kl_error_jets`` and so on."""
STILL = 2.0
"""What training still lacks in units of what a probe changed: of what falls as one over the steps, after half as many
again."""
UNKNOWN = "one training does not show what another seed, or a longer training, would find"


def mean_slopes(beta: Array, rate: Array) -> Array:
    """Return - d rate / d ln beta of rates (beta, ...), each its mean from one neighbouring resolution to the other.

    NaN where there is one resolution only.

    >>> mean_slopes(np.array([1.0, 2.0, 4.0]), -np.log([1.0, 2.0, 4.0]))
    array([1., 1., 1.])
    """
    if len(beta) < 2:
        return np.full(rate.shape, np.nan)
    before, after = np.r_[0, : len(beta) - 1], np.r_[1 : len(beta), len(beta) - 1]
    length = np.log(beta[after] / beta[before]).reshape(-1, *[1] * (rate.ndim - 1))
    return np.asarray((rate[before] - rate[after]) / length)


def with_errors(curves: xr.Dataset) -> xr.Dataset:
    """Add ``kl_error``, ``D_error``, ... (beta,): the parts that are known, in quadrature.

    ``kl_error_training`` and so on (:func:`of_training`) are added where the curves have a rate. All errors are NaN,
    and the attribute ``no_errors`` says why, where neither other seeds nor a probe were there: the error of the
    held-out jets alone is several times too small (docs/dimension.md).
    """
    result = curves.copy()
    if "rate" in curves:
        result = result.assign({f"{name}_error_training": error for name, error in of_training(curves).items()})
    known = "gain" in curves or f"{CURVES[0]}_error_seeds" in curves
    result.attrs.pop("no_errors", None)
    if not known:
        result.attrs["no_errors"] = UNKNOWN
    for name in (*CURVES, "excess"):
        parts = [result[f"{name}_error_{part}"] for part in PARTS if f"{name}_error_{part}" in result]
        if parts:
            result[f"{name}_error"] = np.sqrt(sum(part**2 for part in parts)) if known else parts[0] * np.nan
    return result


def of_training(curves: xr.Dataset) -> dict[str, xr.DataArray]:
    r"""Return curve -> error of a training that is not at the optimum, (beta,).

    In quadrature: of KL the difference from the rate, of D1 and D2 those from D, of <d^p> (D1 - D2) beta^p, of <d> the
    same part over p; what that difference makes of the objective in second order (:func:`second_order`); what
    residuals say is not described (``untold``, ``lacking``), its slope for dimensions; and twice what the probe changes
    of each, where there is one. Each is the root mean square over a resolution and its neighbours, since such errors
    cross zero.
    """
    power, apart = curves.attrs["power"], curves["D1"] - curves["D2"]
    untold, still = known_to_lack(curves), second_order(curves)
    first = {"kl": curves["kl"] - curves["rate"], "D1": curves["D1"] - curves["D"], "D2": curves["D2"] - curves["D"]}
    first["distortion"] = apart * curves["beta"] ** power
    first["distance"] = curves["distance"] * first["distortion"] / (power * curves["distortion"])
    found = {}
    for name in CURVES:
        square = untold[name] ** 2 + sum(part[name] ** 2 for part in (first, still) if name in part)
        if f"{name}_change" in curves:
            square = square + (STILL * curves[f"{name}_change"]) ** 2
        found[name] = square.rolling(beta=3, center=True, min_periods=1).mean() ** 0.5
    return found


def second_order(curves: xr.Dataset) -> dict[str, xr.DataArray]:
    r"""Return curve -> what it misses in second order of what KL misses in first, (beta,).

    Of n directions <d^2> = n e^(-2 R/n): a KL larger or smaller by :math:`\delta` costs
    :math:`\epsilon = \delta^2/n` nat. With :math:`\delta = \mathrm{KL} - R` and n = D, at least 1, the rate
    :math:`J + J'/p` misses :math:`\epsilon` and half its slope, D its slope.
    """
    excess = (curves["kl"] - curves["rate"]) ** 2 / np.maximum(curves["D"].fillna(1), 1)
    slope = 0 * excess + np.abs(mean_slopes(np.asarray(curves["beta"]), np.asarray(excess)))
    slope, told = slope.fillna(0), excess + slope.fillna(0) / 2
    return {"kl": told, "rate": told} | dict.fromkeys(("D1", "D2", "D"), slope)


def known_to_lack(curves: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return curve -> what residuals say is missing of it, (beta,); zero where they say nothing."""
    none = 0 * curves["kl"]
    nats, gain = (curves.get(name, none) for name in ("untold", "lacking"))
    slopes = none + mean_slopes(np.asarray(curves["beta"]), np.asarray(nats))
    left = curves.attrs["power"] * (gain + nats) * curves["beta"] ** curves.attrs["power"]
    of_distance = curves["distance"] * left / (curves.attrs["power"] * curves["distortion"])
    dimensions = dict.fromkeys(("D1", "D2", "D"), slopes.fillna(0))
    return {"kl": nats, "rate": nats, "distortion": left, "distance": of_distance} | dimensions
