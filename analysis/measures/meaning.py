"""What each latent coordinate means: its correlation and mutual information with observables of the jets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from analysis.measures.correlation import (
    CORRELATIONS,
    Values,
    binned_information,
    circular,
    linear_guess,
    rank_correlation,
)
from analysis.measures.observables import observables
from analysis.measures.weighting import mean_of
from analysis.store import array, class_names, classes, names, where

FEWEST = 100
"""Jets below which a correlation is left out."""
NUMBERS = 2
"""Real coordinates that an angle can be the meaning of."""


def meaning(tree: xr.DataTree) -> xr.Dataset:
    """Compare every latent coordinate, and every pair of real ones, with every physical observable.

    Parameters
    ----------
    tree
        From :func:`analysis.evaluate`.

    Returns
    -------
    xarray.Dataset
        ``correlation`` and ``information`` [nat] (sample, coordinate, observable): rank correlation, or circular or
        circular-linear where one or both are angles, and mutual information of the posterior's centre with the
        observable; ``pair_correlation`` (sample, pair, observable): of two real coordinates' angle
        atan2(second, first) with the observables that are angles, of their distance from the origin with the others.
        An angle belongs to an axis, which is known up to half a turn, if it goes round once or twice with it;
        ``together`` (sample, observable), of the best linear function of all coordinates, of an angle of its first two
        harmonics; ``best`` (sample, coordinate), the observable of most mutual information, an angle for at most two
        real coordinates (:func:`allotted`). ``sample`` is ``all``, then each class where there are several. NaN where
        fewer than 100 jets have the observable.
    """
    points, seen, label, known = array(tree, "guide_params/point"), observables(tree), class_names(tree), classes(tree)
    samples = {"all": np.ones(len(label), bool)}
    samples |= {name: label == name for name in known if (label == name).any()} if len(known) > 1 else {}
    parts = [compare(points[mask], seen[mask]) for mask in samples.values()]
    return xr.concat(parts, xr.DataArray(list(samples), dims="sample", name="sample"))


class Column(NamedTuple):
    """What is compared: a latent coordinate, a pair of them, or an observable."""

    name: str
    kind: str
    """``real``, ``angle`` [rad], ``axis`` (an angle doubled, since half a turn changes nothing) or ``pair``."""
    values: Values
    """``(jet,)``, of a pair ``(2, jet)``."""


def compare(points: xr.DataArray, seen: xr.DataArray) -> xr.Dataset:
    """Return the variables of :func:`meaning` of one sample of jets."""
    coordinates, known = columns_of(points, "coordinate"), columns_of(seen, "observable")
    real = [column for column in coordinates if column.kind == "real"]
    pairs = [Column(f"{x.name}, {y.name}", "pair", np.stack([x.values, y.values])) for x, y in combinations(real, 2)]
    information = table(coordinates, known, lambda z, x: binned_information(z.values, x.values))
    ranked = np.pad(
        np.nan_to_num(allotted(information, coordinates, known), nan=-2.0), ((0, 0), (0, 1)), constant_values=-1.0
    )  # the last: none
    return xr.Dataset(
        {
            "correlation": (("coordinate", "observable"), table(coordinates, known, correlation)),
            "information": (("coordinate", "observable"), information, {"units": "nat"}),
            "pair_correlation": (("pair", "observable"), table(pairs, known, correlation)),
            "together": ("observable", table([smooth(coordinates)], known, together)[0]),
            "best": ("coordinate", np.array([*(column.name for column in known), ""])[ranked.argmax(1)]),
        },
        {
            "coordinate": [column.name for column in coordinates],
            "observable": seen["observable"],
            "pair": [column.name for column in pairs],
        },
    )


def allotted(information: Values, coordinates: Sequence[Column], known: Sequence[Column]) -> Values:
    """Return the information (coordinate, observable) with NaN where an angle has its two numbers elsewhere.

    An angle is a cosine and a sine: of the real coordinates it can be the meaning of the two that hold most of it.
    """
    result, real = information.copy(), np.array([column.kind == "real" for column in coordinates])
    for j, observable in enumerate(known):
        if observable.kind != "real":
            order = np.argsort(-np.nan_to_num(np.where(real, information[:, j], np.nan), nan=-np.inf), kind="stable")
            result[[i for i in order[NUMBERS:] if real[i]], j] = np.nan
    return result


def columns_of(values: xr.DataArray, dimension: str) -> list[Column]:
    """Return the columns of ``(jet, dimension)``; a simplex or category is compared as a real number."""
    labels = zip(names(values, dimension), names(values, "kind"), np.asarray(values, float).T, strict=True)
    return [Column(name, kind if kind in ("angle", "axis") else "real", column) for name, kind, column in labels]


def correlation(z: Column, x: Column) -> float:
    """Return the correlation that suits the kinds of both."""
    return CORRELATIONS[z.kind, x.kind](z.values, x.values)


def smooth(coordinates: Sequence[Column]) -> Column:
    """Return all coordinates that vary as one column ``(n, jet)``, an angle as cosine and sine, once and doubled."""
    values = np.concatenate([waves(z.values) if z.kind == "angle" else z.values[None] for z in coordinates])
    varies = np.ptp(values, axis=1) > 0
    return Column("all", "all", values[varies] if varies.any() else values)


def waves(angle: Values) -> Values:
    """Return the first two harmonics of an angle ``(jet,)``, ``(4, jet)``."""
    return np.stack([wave(k * angle) for k in (1, 2) for wave in (np.cos, np.sin)])


def together(z: Column, x: Column) -> float:
    """Return the correlation of an observable with the best linear function of features ``(n, jet)``."""
    if x.kind == "real":
        return rank_correlation(linear_guess(z.values.T, rankdata(x.values)[:, None])[:, 0], x.values)
    guess = linear_guess(z.values.T, np.stack([np.cos(x.values), np.sin(x.values)], 1))
    return circular(np.arctan2(guess[:, 1], guess[:, 0]), x.values)


def table(rows: Sequence[Column], known: Sequence[Column], measure: Callable[[Column, Column], float]) -> Values:
    """Return the measure of each row with each observable over the jets that have it, NaN where too few vary."""
    result = np.full((len(rows), len(known)), np.nan)
    for j, observable in enumerate(known):
        use = np.isfinite(observable.values)
        x = observable._replace(values=observable.values[use])
        for i, row in enumerate(rows):
            z = row._replace(values=row.values[..., use])
            if len(x.values) >= FEWEST and np.ptp(x.values) > 0 and (np.ptp(z.values, axis=-1) > 0).all():
                result[i, j] = measure(z, x)
    return result


class Strongest(NamedTuple):
    """The coordinate, or pair of coordinates, that goes best with an observable."""

    name: str
    correlation: float


def strongest(found: xr.Dataset) -> dict[str, Strongest]:
    """Return observable -> the coordinate or pair of largest ``|correlation|``, of one sample of :func:`meaning`."""
    result = {}
    for name in names(found["correlation"], "observable"):
        one = found.sel(observable=name)
        values = np.concatenate([one["correlation"].values, one["pair_correlation"].values])
        if np.isfinite(values).any():
            best = int(np.nanargmax(np.abs(values)))
            label = [*names(found["best"], "coordinate"), *names(found["pair_correlation"], "pair")][best]
            result[name] = Strongest(label, float(values[best]))
    return result


def coordinate_kl(tree: xr.DataTree) -> xr.DataArray:
    """Return the mean KL [nat] of each coordinate, ``(coordinate,)``; NaN where none is recorded.

    Where the KL of a factor does not split, each of its coordinates has an equal share.
    """
    kl, points = mean_of(tree, "information/kl"), array(tree, "guide_params/point")
    coordinates, factors = names(points, "coordinate"), names(points, "factor")
    own = dict(zip(names(kl, "coordinate_name"), np.asarray(kl, float).tolist(), strict=True))
    whole = {factor: kl_along(kl, factor) for factor in dict.fromkeys(factors)}
    nats = [
        own[name] if name in own else whole[factor] / factors.count(factor)
        for name, factor in zip(coordinates, factors, strict=True)
    ]
    return xr.DataArray(nats, dims="coordinate", coords={"coordinate": coordinates})


def kl_along(kl: xr.DataArray, factor: str, coordinate: str = "") -> float:
    """Return the mean KL [nat] of a coordinate, or of a whole factor; of ``kl`` (kl_term,) with its labels."""
    if coordinate:
        own = where(kl, "kl_term", coordinate_name=coordinate)
        if own.sizes["kl_term"]:
            return float(own.sum())
    terms = where(kl, "kl_term", factor=factor)
    return float(terms.sum()) if terms.sizes["kl_term"] else float("nan")
