"""Do the posterior means close the circle? Persistent homology, a check of the topology that no model makes.

Balls about the points grow together. A loop is born when they first enclose it and dies when they have filled it; noise
makes loops of death/birth up to 2.2, circles and tori of death/birth above 3.8 (measured on 200 well spread points of
discs, cubes, spheres, circles and tori). Needs ripser (``pip install "jetvae[homology]"``), but neither torch nor our
models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import Missing, array, names, where

AT_MOST = 200
"""Points of a cloud that are looked at, each the farthest from those before."""
REAL = 2.9
"""Least death/birth of a loop that is no noise."""


def persistence(tree: xr.DataTree, data: NDArray[np.floating] | None = None) -> xr.Dataset:
    """Return the loops of the posterior means on each circle, torus and sphere, and those of ``data`` ``(N, K)``.

    Bars, all (loop,): ``birth`` and ``death`` in radii of the circle or in the unit of the data; ``cloud``, the label
    of the factor or "data". Counts, all (name,): ``found``, loops of death/birth at least REAL; ``expected`` of the
    factor, NaN of data.

    Raises
    ------
    Missing
        No latent is closed and there are no data; or ripser is not installed.
    """
    factors = closed_factors(tree)
    clouds = {label: on_sphere(point) for label, point in factors.items()} | ({} if data is None else {"data": data})
    if not clouds:
        raise Missing("no latent is a circle or a sphere that could be closed")
    tables = {name: bars(points) for name, points in clouds.items()}
    bars_of_all = xr.concat(
        [t.assign(cloud=("loop", np.full(t.sizes["loop"], name))) for name, t in tables.items()], "loop"
    )
    found = [int((table["death"] >= REAL * table["birth"]).sum()) for table in tables.values()]
    expected = [expected_loops(factors[name]) if name in factors else np.nan for name in clouds]
    return bars_of_all.assign(found=("name", found), expected=("name", expected)).assign_coords(name=list(clouds))


def bars(points: NDArray[np.floating]) -> xr.Dataset:
    """Return ``birth`` and ``death`` (loop,) of the loops of points ``(N, K)``, in their unit.

    Rips complexes of at most AT_MOST points chosen from the farthest on.

    Raises
    ------
    Missing
        As :func:`rips`.
    """
    loops = rips(np.asarray(points, np.float64), maxdim=1, n_perm=min(AT_MOST, len(points)))[1]
    return xr.Dataset({"birth": ("loop", loops[:, 0]), "death": ("loop", loops[:, 1])})


def rips(points: NDArray[np.floating], **options: Any) -> list[NDArray[np.floating]]:
    """Return births and deaths (bar, 2) of each degree in the Rips complexes of points, by ripser (Bauer 1908.02518).

    Raises
    ------
    Missing
        ripser is not installed.
    """
    try:
        from ripser import ripser
    except ImportError as error:
        raise Missing('persistent homology needs ripser: pip install "jetvae[homology]"') from error
    return list(ripser(points, **options)["dgms"])


def closed_factors(tree: xr.DataTree) -> dict[str, xr.DataArray]:
    """Return label -> posterior means (jet, coordinate) of each factor of angles, or of unit vectors."""
    point = array(tree, "guide_params/point").transpose("jet", "coordinate")
    closed = where(point, "coordinate", kind=("angle", "direction"))
    return {name: where(closed, "coordinate", factor=name) for name in dict.fromkeys(names(closed, "factor"))}


def on_sphere(point: xr.DataArray) -> NDArray[np.floating]:
    """Return angles as cosines and sines, unit vectors as they are, ``(jet, K)``."""
    values = np.asarray(point, np.float64)
    return np.concatenate([np.cos(values), np.sin(values)], 1) if point["kind"][0] == "angle" else values


def expected_loops(point: xr.DataArray) -> int:
    """Return how many loops a closed factor has: one for each angle, none of a sphere but the circle."""
    size = point.sizes["coordinate"]
    return size if point["kind"][0] == "angle" else int(size == 2)
