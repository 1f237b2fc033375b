"""What a map on the page shows: jets as points, in any two latents, scores or observables."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from analysis.figures.style import COLOURS, class_colours
from analysis.measures.meaning import coordinate_kl
from analysis.measures.observables import observables
from analysis.report.page import Widget
from analysis.store import array, class_names, classes, names, where

MOST = 1500
"""Jets on a map."""
FEW = 24
"""Coordinates on offer, those of most KL."""


def shown_jets(label: np.ndarray, most: int = MOST) -> np.ndarray:
    """Return the numbers of at most ``most`` jets, each class in proportion, evenly spaced, from their classes.

    >>> shown_jets(np.array(["a", "b", "a", "b"]), most=2)
    array([0, 3])
    """
    order = np.argsort(label, kind="stable")
    return np.sort(order[np.linspace(0, len(label) - 1, min(len(label), most)).astype(int)])


def jet_map(tree: xr.DataTree) -> Widget:
    """Return the map of a tree; it starts at the two coordinates of most KL.

    It starts at the reconstruction against the first where two would say the same twice, or where there is a triangle,
    which the page draws already and the map offers.
    """
    label = class_names(tree)
    known = [name for name in classes(tree) if (label == name).any()]
    jets = shown_jets(label)
    points = array(tree, "guide_params/point")
    order = [str(name) for name in best_coordinates(tree)]
    columns = [
        column(name, np.asarray(points.sel(coordinate=name))[jets], str(points["unit"].sel(coordinate=name).values))
        for name in order
    ]
    triangle = simplex(points)
    offered = [*columns, *score_columns(tree, jets), *seen(tree, jets)]
    line = len(order) < 2 or bool(triangle) or sum_to_one(points, order[:2])
    return Widget(
        "map",
        {
            "classes": known,
            "colours": [COLOURS.index(colour) for colour in class_colours(known).values()],
            "label": [known.index(name) for name in label[jets]],
            "jet": np.asarray(points["jet"])[jets].tolist(),
            "columns": offered,
            "triangle": [order.index(name) for name in triangle],
            "start": [0, len(order) if line else 1],
        },
    )


def best_coordinates(tree: xr.DataTree) -> list[str]:
    """Return the coordinates by falling KL; those of a 3-simplex are never left out."""
    kl = coordinate_kl(tree)
    order = np.asarray(names(kl, "coordinate"))[np.argsort(-np.nan_to_num(np.asarray(kl)), kind="stable")].tolist()
    needed = simplex(array(tree, "guide_params/point"))
    return [*order[:FEW], *(name for name in needed if name not in order[:FEW])]


def simplex(points: xr.DataArray) -> list[str]:
    """Return the coordinates of the first simplex or category with three members; none: empty."""
    flat = where(points, "coordinate", kind=("simplex", "category"))
    for factor in dict.fromkeys(names(flat, "factor")):
        own = names(where(flat, "coordinate", factor=factor), "coordinate")
        if len(own) == 3:
            return own
    return []


def sum_to_one(points: xr.DataArray, pair: list[str]) -> bool:
    """Whether two coordinates are the same: those of a simplex or category with two members."""
    return bool(np.allclose(points.sel(coordinate=pair).sum("coordinate"), 1, atol=1e-3))


def score_columns(tree: xr.DataTree, jets: np.ndarray) -> list[dict[str, Any]]:
    """Return reconstruction, KL and ELBO."""
    stats = tree["sample_stats"]
    return [column(name, np.asarray(stats[name])[jets], "nat") for name in ("reconstruction", "kl", "elbo")]


def seen(tree: xr.DataTree, jets: np.ndarray) -> list[dict[str, Any]]:
    """Return the observables."""
    table = observables(tree)
    units = names(table, "unit")
    values = np.asarray(table)[jets]
    return [column(name, values[:, i], units[i]) for i, name in enumerate(names(table, "observable"))]


def column(name: str, values: np.ndarray, unit: str) -> dict[str, Any]:
    """Return a column for the page; four digits, null where there is no number."""
    return {"name": name, "unit": unit, "values": [float(f"{v:.4g}") if np.isfinite(v) else None for v in values]}
