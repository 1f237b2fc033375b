"""The picture of a latent space, a column for each run.

Above: the two coordinates that vary most, coloured by a true coordinate of the points. Below: how far each coordinate
spreads. For a plain autoencoder neither has a meaning; a VAE at resolution beta keeps as many coordinates as the data
have dimensions there, and leaves the others to the prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.store import array, names

MOST = 3000
"""Points drawn."""
KINDS = {"ae": "autoencoder", "vae": "VAE"}
"""Kind of a model -> how a title names it."""
ANGLES = ("angle", "around", "azimuth", "through", "turn")
"""True coordinates of toys that are angles [rad]."""


def latent_map(trees: Sequence[xr.DataTree], titles: Sequence[str], truth: str | None) -> Figure:
    """Draw both rows for each tree of :func:`analysis.evaluate`; ``truth`` names the variable that colours."""
    size, grid = (3.4 * len(trees), 5.2), (2, len(trees))
    return figure_of(draw_latents, trees, titles, truth, size=size, grid=grid, heights=(2, 1))


def draw_latents(panels: np.ndarray, trees: Sequence[xr.DataTree], titles: Sequence[str], truth: str | None) -> None:
    """Draw on panels ``(2, trees)`` what :func:`latent_map` says."""
    for (upper, lower), tree, title in zip(panels.T, trees, titles, strict=True):
        draw_points(upper, tree, truth)
        upper.set_title(title)
        draw_spread(lower, tree)
    for axes, tree in zip(panels[1], trees, strict=True):
        axes.set(ylabel=f"rms of the centre\n{unit_of(tree, 'real')}", ylim=(0, None))


def draw_points(axes: Axes, tree: xr.DataTree, truth: str | None) -> None:
    """Draw draws of the guide in the two coordinates that vary most; without ``truth`` in one colour.

    Where there is one coordinate only, it is drawn against itself.
    """
    draws = array(tree, "posterior/z").isel(chain=0, draw=0)[:MOST]
    first, second, *_ = np.argsort(-np.asarray(array(tree, "guide_params/point").std("jet"))).tolist() * 2
    points = dict[str, Any](s=2, rasterized=True)
    kinds = names(array(tree, "guide_params/point"), "kind")
    labels = [name + unit_of(tree, kind) for name, kind in zip(names(draws, "coordinate"), kinds, strict=True)]
    axes.set(xlabel=labels[first], ylabel=labels[second])
    if truth is None:
        axes.scatter(draws[:, first], draws[:, second], color=COLOURS[0], **points)
        return
    colour = np.asarray(array(tree, f"constant_data/{truth}"))[:MOST]
    drawn = axes.scatter(draws[:, first], draws[:, second], c=colour, cmap="viridis", **points)
    axes.figure.colorbar(drawn, ax=axes, label=f"true {truth}{' [rad]' if truth in ANGLES else ''}")


def rms(tree: xr.DataTree) -> xr.DataArray:
    """Return the root mean square of each coordinate's centre, ``(coordinate,)``."""
    return (array(tree, "guide_params/point") ** 2).mean("jet") ** 0.5


def draw_spread(axes: Axes, tree: xr.DataTree) -> None:
    """Draw the root mean square of each coordinate's centre, largest first."""
    spread = rms(tree)
    order = np.argsort(-np.asarray(spread))
    axes.bar(np.array(names(spread, "coordinate"))[order], np.asarray(spread)[order], color=COLOURS[0])
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)


def column_title(tree: xr.DataTree) -> str:
    """Return the title of a run's column: model, latent space, and of a VAE the resolution."""
    title = f"{KINDS[str(tree.attrs['kind'])]}, {tree.attrs['latent']}"
    return title if tree.attrs["kind"] == "ae" else f"{title}, $\\beta$ = {tree.attrs['beta']:.2g}"


def unit_of(tree: xr.DataTree, kind: str) -> str:
    """Return the unit of a coordinate of this kind, behind a space: nothing fixes that of an autoencoder's."""
    if kind == "angle":
        return " [rad]"
    if kind != "real":
        return ""
    return " [arbitrary]" if tree.attrs.get("kind") == "ae" else " [widths of prior]"
