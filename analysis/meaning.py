"""What each latent coordinate means: ``python -m analysis.meaning RUN``."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.access import array, class_names, classes, names
from analysis.correlation import CORRELATIONS, circular, mutual_information, rank
from analysis.observables import observables

FEWEST = 100
"""Jets below which a correlation is left out."""


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
        atan2(second, first) with the observables that are angles, of their distance from the origin with the others;
        ``best`` (sample, coordinate), the observable of most mutual information. ``sample`` is ``all``, then each
        class where there are several. NaN where fewer than 100 jets have the observable.
    """
    points, seen, label, known = array(tree, "guide_params/point"), observables(tree), class_names(tree), classes(tree)
    samples = {"all": np.ones(len(label), bool)}
    samples |= {name: label == name for name in known} if len(known) > 1 else {}
    parts = [compare(points[mask], seen[mask]) for mask in samples.values()]
    return xr.concat(parts, xr.DataArray(list(samples), dims="sample", name="sample"))


def compare(points: xr.DataArray, seen: xr.DataArray) -> xr.Dataset:
    """Return the variables of :func:`meaning` of one sample of jets."""
    coordinates = named_columns(points, "coordinate")
    known = named_columns(seen, "observable")
    real = [(name, values) for name, kind, values in coordinates if kind == "real"]
    pairs = {f"{first}, {second}": (x, y) for (first, x), (second, y) in combinations(real, 2)}
    correlation, information = np.full((2, len(coordinates), len(known)), np.nan)
    together = np.full((len(pairs), len(known)), np.nan)
    for j, (_, kind, x) in enumerate(known):
        use = np.isfinite(x)
        if not varies(x[use]):
            continue
        for i, (_, own, z) in enumerate(coordinates):
            if varies(z[use]):
                own = "angle" if own == "angle" else "real"
                correlation[i, j] = CORRELATIONS[own, kind](z[use], x[use])
                information[i, j] = mutual_information(z[use], x[use])
        for i, (z1, z2) in enumerate(pairs.values()):
            if varies(z1[use]) and varies(z2[use]):
                together[i, j] = PAIRED[kind](z1[use], z2[use], x[use])
    labels = {"coordinate": [name for name, *_ in coordinates], "observable": seen["observable"], "pair": list(pairs)}
    best = np.asarray(labels["observable"])[np.nan_to_num(information, nan=-1).argmax(1)] if known else None
    return xr.Dataset(
        {
            "correlation": (("coordinate", "observable"), correlation),
            "information": (("coordinate", "observable"), information, {"units": "nat"}),
            "pair_correlation": (("pair", "observable"), together),
            "best": ("coordinate", [""] * len(coordinates) if best is None else best),
        },
        labels,
    )


PAIRED = {
    "angle": lambda first, second, angle: circular(np.arctan2(second, first), angle),
    "real": lambda first, second, x: rank(np.hypot(first, second), x),
}
"""Kind of an observable -> how a pair of real coordinates is compared with it."""


def named_columns(values: xr.DataArray, dimension: str) -> list[tuple[str, str, NDArray[np.floating]]]:
    """Return name, kind and values of each column of ``(jet, dimension)``."""
    table = np.asarray(values, float)
    return [
        (name, kind, table[:, i])
        for i, (name, kind) in enumerate(zip(names(values, dimension), names(values, "kind"), strict=True))
    ]


def varies(values: NDArray[np.floating]) -> bool:
    """Whether there are enough jets, and more than one value among them."""
    return len(values) >= FEWEST and np.ptp(values) > 0
