"""Units of scores, where a table or a figure names them."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from analysis.store import array, names

NATS = ("reconstruction", "kl", "elbo", "log_p")
"""Scores in nats; weights of mixtures, probabilities and real latents are pure numbers."""


def with_units(tree: xr.DataTree) -> dict[str, str]:
    """Return the name of each score of a tree -> that name with its unit, where it has one."""
    points = array(tree, "guide_params/point")
    units = dict.fromkeys(NATS, "nat")
    units |= {
        f"latent_{name}": str(unit) for name, unit in zip(names(points, "coordinate"), units_of(points), strict=True)
    }
    found = names(array(tree, "scores/score_value"), "score")
    return {name: f"{name} [{units[name]}]" if units.get(name) else name for name in found}


def units_of(points: xr.DataArray) -> list[str]:
    """Return the unit of each coordinate; empty of pure numbers, and of trees without units."""
    return (
        [str(unit) for unit in points["unit"].values] if "unit" in points.coords else [""] * points.sizes["coordinate"]
    )


def label_scores(figure: Figure, tree: xr.DataTree) -> Figure:
    """Give the unit on each axis of a figure that is a score of a tree."""
    known = with_units(tree)
    for axes in figure.axes:
        axes.set_xlabel(known.get(axes.get_xlabel(), axes.get_xlabel()))
    return figure
