"""Trees that were saved before labels were coordinates: their labels, read once more from the names.

Today ``coordinate`` carries ``factor``, ``kind`` and ``unit``; ``kl_term`` carries ``factor`` and ``coordinate_name``;
``step`` and ``probe`` carry ``path``, ``value``, ``factor`` and ``coordinate_name``; ``score`` carries ``kind`` and
``component``. Nothing else in the project reads a name for what it means.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

UNITS = {"angle": "rad"}
"""Kind of a coordinate -> its unit, where it has one."""


def with_all_labels(tree: xr.DataTree) -> xr.DataTree:
    """Return the tree with all labels; one that has them stays as it is."""
    coordinates = known_coordinates(tree)
    for node in list(tree.subtree):
        own = node.to_dataset()
        new = with_labels(own, coordinates)
        if new is not own:
            node.dataset = new
    return tree


def known_coordinates(tree: xr.DataTree) -> list[str]:
    """Return the names of the latent coordinates, where the tree has them."""
    for group in ("guide_params", "posterior"):
        if group in tree and "coordinate" in tree[group].coords:
            return strings(tree[group].to_dataset(), "coordinate")
    return []


def with_labels(data: xr.Dataset, coordinates: list[str]) -> xr.Dataset:
    """Return one group with the labels that it lacks."""
    if "coordinate" in data.coords and "factor" not in data.coords and "kind" in data.coords:
        data = data.assign_coords(factor=("coordinate", [factor_of(name) for name in strings(data, "coordinate")]))
    if "coordinate" in data.coords and "kind" in data.coords and "unit" not in data.coords:
        data = data.assign_coords(unit=("coordinate", [UNITS.get(kind, "") for kind in strings(data, "kind")]))
    if "kl_term" in data.coords and "coordinate" not in data.coords and "factor" not in data.coords:
        terms = strings(data, "kl_term")
        owners = {"factor": [factor_of(t) if t in coordinates else t for t in terms]}
        owners["coordinate_name"] = [t if t in coordinates else "" for t in terms]
        data = data.assign_coords({name: ("kl_term", values) for name, values in owners.items()})
    for dimension in ("step", "probe"):
        if dimension in data.coords and data.coords[dimension].dtype.kind in "UOS" and "path" not in data.coords:
            data = data.assign_coords(path_labels(strings(data, dimension), dimension, coordinates))
    if "score" in data.coords and "component" not in data.coords:
        data = data.assign_coords(score_labels(strings(data, "score")))
    return data


def strings(data: xr.Dataset, name: str) -> list[str]:
    """Return labels as strings."""
    return [str(value) for value in np.asarray(data[name])]


def factor_of(coordinate: str) -> str:
    """Return the factor of a coordinate.

    >>> factor_of("R4_0"), factor_of("M2_R1_0")
    ('R4', 'M2_R1')
    """
    return coordinate.rpartition("_")[0]


def path_labels(names: list[str], dimension: str, coordinates: list[str]) -> dict[str, tuple[str, list[object]]]:
    """Return path, value, factor and coordinate of steps such as ``R4_0 = -2``, ``C2_1`` and ``D3_0 to _1 = 0.5``.

    A path along none of the known ``coordinates``, such as ``S2 = 0.79``, goes round its whole factor.

    >>> path_labels(["R4_0 = -2", "C2_1", "D3_0 to _1 = 0.5", "M2_S2 = 0.79"], "step", ["R4_0"])["factor"]
    ('step', ['R4', 'C2', 'D3', 'M2_S2'])
    """
    table: dict[str, list[object]] = {"path": [], "value": [], "factor": [], "coordinate_name": []}
    for name in names:
        path, _, value = name.partition(" = ")
        start, between, _ = path.partition(" to _")
        along = path if value and path in coordinates else ""
        whole = value and not between and not along
        table["path"].append(path if value else factor_of(path))
        table["value"].append(float(value) if value else np.nan)
        table["factor"].append(path if whole else factor_of(start))
        table["coordinate_name"].append(along)
    return {label: (dimension, values) for label, values in table.items()}


def score_labels(names: list[str]) -> dict[str, tuple[str, list[object]]]:
    """Return kind and component of scores such as ``mixture_1`` and ``latent_R4_0``.

    >>> score_labels(["mixture_1", "latent_R4_0", "elbo"])
    {'kind': ('score', ['mixture', 'latent', 'elbo']), 'component': ('score', [1, -1, -1])}
    """
    kinds: list[object] = []
    components: list[object] = []
    for name in names:
        kind, _, number = name.rpartition("_")
        latent = name.startswith("latent_")
        counted = bool(kind) and number.isdigit() and not latent
        kinds.append("latent" if latent else kind if counted else name)
        components.append(int(number) if counted else -1)
    return {"kind": ("score", kinds), "component": ("score", components)}
