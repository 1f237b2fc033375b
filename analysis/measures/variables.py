"""Latent coordinates as ArviZ has variables, one for each factor of the latent space; and back.

In our trees all coordinates stand side by side, ``z`` (chain, draw, jet, coordinate). For ArviZ each factor is a
variable of its name: reals, simplex weights and directions (.., <factor>_coordinate), without that dimension where
there is one coordinate alone; a category the number of its component, whole where no jet stays on one (of constant
whole numbers ArviZ can make no ranks and, in 1.x, no histograms), else real. An angle [rad] is cut opposite to the mean
direction of its jet, so that a narrow posterior about pi stays in one piece: R-hat, effective sizes and intervals of it
are right, and values are within half a turn of that mean, not of zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

TURN = 2 * np.pi
Owners = Mapping[str, tuple[str, int]]
"""Factor within a superposition -> the factor of its category, and the number of its manifold."""


def variables(z: xr.DataArray, about: xr.DataArray | None = None) -> xr.Dataset:
    """Return z (.., coordinate) as one variable for each factor; angles are cut opposite to ``about``.

    ``about`` (jet, coordinate) [rad] is the mean direction of z itself by default (:func:`directions`).

    >>> labels = {"factor": ("coordinate", ["S1", "C2", "C2"]), "kind": ("coordinate", ["angle", *["category"] * 2])}
    >>> names = {"coordinate": ["S1_0", "C2_0", "C2_1"]}
    >>> z = xr.DataArray([[[[3.0, 0, 1]], [[-3.0, 1, 0]]]], names | labels, ("chain", "draw", "jet", "coordinate"))
    >>> found = variables(z)
    >>> found["C2"].values.ravel(), found["S1"].values.ravel().round(2)
    (array([1, 0]), array([3.  , 3.28]))
    """
    about = directions(z) if about is None else about
    found = {}
    for name, kind, columns in factors(z):
        part = z.isel(coordinate=columns)
        values = part if kind != "angle" else uncut(part, about.isel(coordinate=columns))
        found[name] = variable(values, name, kind)
    return xr.Dataset(found).drop_vars(["factor", "kind", "unit"], errors="ignore")


def factors(z: xr.DataArray) -> Iterator[tuple[str, str, list[int]]]:
    """Yield name, kind and columns of each factor, in the order of the coordinates."""
    names, kinds = (np.asarray(z[label]).astype(str) for label in ("factor", "kind"))
    for name in dict.fromkeys(names.tolist()):
        columns = np.flatnonzero(names == name).tolist()
        yield name, str(kinds[columns[0]]), columns


def variable(values: xr.DataArray, name: str, kind: str) -> xr.DataArray:
    """Return the variable of one factor, (..) or (.., <factor>_coordinate)."""
    labels = [str(each) for each in values["coordinate"].values]
    attrs: dict[str, object] = {"kind": kind, "units": "rad" if kind == "angle" else "1", "coordinate_names": labels}
    plain = values.drop_vars([each for each in ("factor", "kind", "unit") if each in values.coords])
    if kind == "category" and np.isin(plain.values, (0, 1)).all() and (plain.sum("coordinate") == 1).all():
        number = plain.argmax("coordinate").drop_vars("coordinate", errors="ignore")
        over: list[Any] = [dim for dim in ("chain", "draw") if dim in number.dims]
        stays = (number.max(over) == number.min(over)).any()
        return number.astype(np.float64 if stays else np.int64).assign_attrs(attrs)
    if len(labels) == 1:
        return plain.isel(coordinate=0, drop=True).assign_attrs(attrs)
    return plain.rename(coordinate=f"{name}_coordinate").assign_attrs(attrs)


def directions(z: xr.DataArray) -> xr.DataArray:
    """Return the mean direction of each coordinate over all draws, (.., coordinate) [rad]; of angles alone it means."""
    over: list[Any] = [dim for dim in ("chain", "draw") if dim in z.dims]
    turned = z.astype(np.float64)
    return np.arctan2(np.sin(turned).mean(over), np.cos(turned).mean(over))


def uncut(angle: xr.DataArray, about: xr.DataArray) -> xr.DataArray:
    """Return angles [rad] within half a turn of ``about``."""
    turns = np.round((angle - about) / TURN)
    return xr.where(turns == 0, angle, angle - TURN * turns).transpose(*angle.dims)


def coordinates(draws: xr.Dataset) -> xr.DataArray:
    """Return z (.., coordinate), with its labels, of :func:`variables`; a Dataset that holds ``z`` as it is."""
    if "z" in draws:
        return draws["z"]
    parts = [column(draws[name], str(name)) for name in draws.data_vars]
    z: xr.DataArray = xr.concat(parts, "coordinate").rename("z")
    return z.transpose(..., "coordinate").assign_attrs({})


def column(values: xr.DataArray, name: str) -> xr.DataArray:
    """Return the coordinates (.., coordinate) that the variable of one factor holds."""
    labels = [str(each) for each in np.atleast_1d(values.attrs["coordinate_names"])]
    kind = str(values.attrs["kind"])
    if f"{name}_coordinate" in values.dims:
        part = values.rename({f"{name}_coordinate": "coordinate"}).drop_vars("coordinate")
    elif kind == "category":
        part = xr.DataArray(
            np.eye(len(labels), dtype=np.float32)[values.values.astype(int)], dims=(*values.dims, "coordinate")
        )
    else:
        part = values.expand_dims("coordinate", -1)
    if kind == "angle":
        part = uncut(part, xr.zeros_like(part))
    known: dict[str, Any] = {"factor": [name] * len(labels), "kind": [kind] * len(labels)}
    known["unit"] = ["rad" if kind == "angle" else ""] * len(labels)
    part = part.assign_coords({dim: values[dim] for dim in values.dims if dim in values.coords and dim in part.dims})
    return part.assign_coords({label: ("coordinate", each) for label, each in ({"coordinate": labels} | known).items()})


def of_each_jet(prior: xr.DataArray, jet: xr.DataArray, draws: int, seed: int) -> xr.DataArray:
    """Return draws of the prior (chain, draw, coordinate) as draws (chain, draw, jet, coordinate) of each jet.

    One chain; each jet has the draws in an order of its own, drawn with replacement where there are too few.
    """
    rows = prior.stack(row=("chain", "draw")).transpose("row", "coordinate").values
    random = np.random.default_rng(seed)
    count = len(rows)
    order = [
        random.permutation(count)[:draws] if draws <= count else random.integers(count, size=draws) for _ in jet.values
    ]
    labels = {name: prior[name] for name in ("coordinate", "factor", "kind", "unit") if name in prior.coords}
    values = rows[np.stack(order, 1)][None] if len(order) else rows[:0].reshape(1, draws, 0, -1)
    dims = ("chain", "draw", "jet", "coordinate")
    return xr.DataArray(values, labels | {"chain": [0], "draw": np.arange(draws), "jet": jet.values}, dims, "z")


def with_pseudo_prior(z: xr.DataArray, prior: xr.DataArray, owners: Owners) -> xr.DataArray:
    """Return z with draws of the prior, of the same shape, for coordinates on manifolds that a draw is not on.

    There nothing is known of them (Carlin & Chib, J. R. Stat. Soc. B 57 (1995) 473); NUTS has them so by itself.
    """
    names = np.asarray(z["factor"]).astype(str)
    values = z.values.copy()
    for name, (category, number) in owners.items():
        columns = np.flatnonzero(names == name)
        off = values[..., np.flatnonzero(names == category)].argmax(-1) != number
        values[..., columns] = np.where(off[..., None], prior.values[..., columns], values[..., columns])
    return z.copy(data=values)
