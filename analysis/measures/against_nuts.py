"""The guide against NUTS: how far off is q(z|x) in units of the true posterior? Trees alone, no torch."""

from __future__ import annotations

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from analysis.store import array


def against_nuts(tree: xr.DataTree) -> xr.Dataset:
    """Compare ``posterior_guide`` with ``posterior_nuts``, z (chain, draw, jet, coordinate), of ``inference.nuts``.

    All (jet, coordinate): ``shift`` of the mean and ``w1``, the Wasserstein distance, both in units of NUTS' standard
    deviation; ``sd_ratio``, the guide's over NUTS'; ``rhat`` and ``ess`` (bulk) of the chains; ``divergences`` (jet,).
    Angles are compared about NUTS' mean direction, and R-hat and ESS are the worse of cosine and sine.
    """
    nuts, guide = array(tree, "posterior_nuts/z"), array(tree, "posterior_guide/z")
    shape = (nuts.sizes["jet"], nuts.sizes["coordinate"])
    names = ("shift", "w1", "sd_ratio")
    columns = {name: np.full(shape, np.nan) for name in names}
    kinds = np.asarray(nuts["kind"])
    for jet, c in np.ndindex(*shape):
        reference, own = (np.asarray(z.isel(jet=jet, coordinate=c)).ravel() for z in (nuts, guide))
        for name, value in zip(names, distances(reference, own, angle=kinds[c] == "angle"), strict=True):
            columns[name][jet, c] = value
    result = xr.Dataset(
        {name: (("jet", "coordinate"), column) for name, column in columns.items()},
        {"jet": nuts["jet"].values, "coordinate": nuts["coordinate"].values},
    )
    result = result.merge(convergence(nuts))
    if "sample_stats_nuts" in tree:
        result["divergences"] = array(tree, "sample_stats_nuts/diverging").sum(("chain", "draw"))
    return result


def distances(
    reference: NDArray[np.floating], own: NDArray[np.floating], *, angle: bool = False
) -> tuple[float, float, float]:
    """Return shift/sd, W1/sd and the ratio of standard deviations of two samples, in units of the first.

    >>> distances(np.array([-1.0, 1.0]), np.array([0.0, 2.0]))
    (1.0, 1.0, 1.0)
    """
    if angle:
        centre = np.angle(np.exp(1j * reference).mean())
        reference, own = (np.angle(np.exp(1j * (z - centre))) for z in (reference, own))
    sd = max(float(reference.std()), 1e-7)
    shift = float(own.mean() - reference.mean()) / sd
    return shift, float(wasserstein_distance(reference, own)) / sd, float(own.std()) / sd


def convergence(draws: xr.DataArray) -> xr.Dataset:
    """Return ``rhat`` and ``ess`` (jet, coordinate) of chains (chain, draw, jet, coordinate)."""
    both = turned(draws)
    with np.errstate(invalid="ignore", divide="ignore"):  # of a category that every draw has R-hat is NaN
        rhat, ess = arviz_stats.rhat(both), arviz_stats.ess(both)
    return xr.Dataset({"rhat": rhat.to_dataarray().max("variable"), "ess": ess.to_dataarray().min("variable")})


def turned(draws: xr.DataArray) -> xr.Dataset:
    """Return what chains are compared by: the cosine of an angle, and its sine; anything else, and NaN."""
    angle = xr.DataArray(np.asarray(draws["kind"]) == "angle", dims="coordinate")
    plain = draws.drop_vars([name for name in draws.coords if name not in ("jet", "coordinate")])
    return xr.Dataset(
        {"first": xr.where(angle, np.cos(plain), plain), "second": xr.where(angle, np.sin(plain), np.nan)}
    )
