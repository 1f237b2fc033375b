"""What a search for structures tried: its path, and the points by the side that they are on."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import colour_of, figure_of
from analysis.measures.topology import DELTA

GREY = "0.6"


def search_path(tree: xr.DataTree) -> Figure:
    """Draw how far each manifold that was tried on all points falls short of the one found there."""
    return figure_of(draw_search_path, tree, size=(6.4, 3.6))


def draw_search_path(axes: Axes, tree: xr.DataTree, side: str = "all") -> None:
    """Draw on axes what :func:`search_path` says, of one side; names stand where they do not meet."""
    path = tree["path"].to_dataset()
    own = path.isel(step=np.flatnonzero(path["side"] == side))
    generation = np.unique(own["generation"], return_inverse=True)[1] + 1
    followed = np.asarray(own["followed"], bool)
    manifold = np.asarray(own["manifold"])
    end = own["log_evidence"].values[followed][-1] if followed.any() else own["log_evidence"].values.max()
    short = end - own["log_evidence"].values
    axes.axhspan(-DELTA, DELTA, color="0.9", linewidth=0)
    axes.plot(generation[~followed], short[~followed], "o", color=GREY, markersize=4, label="tried")
    axes.plot(generation[followed], short[followed], "o-", color=colour_of(0), label="followed")
    for x, y, name, chosen in zip(generation, short, manifold, followed, strict=True):
        colour = colour_of(0) if chosen else "0.35"
        axes.annotate(name, (x, y), (5, 0), textcoords="offset points", fontsize=7, va="center", color=colour)
    axes.set_yscale("symlog", linthresh=DELTA)
    axes.invert_yaxis()
    axes.set_xlim(0.7, generation.max() + 0.9)
    axes.set_xticks(np.arange(1, generation.max() + 1))
    axes.minorticks_off()
    axes.set(xlabel="generation", ylabel="ln p(x) short of the found [nat]")
    axes.legend(fontsize=8, loc="lower right")


def points_by_side(tree: xr.DataTree, points: np.ndarray) -> Figure:
    """Draw points ``(N, K)`` in their two widest directions, coloured by side."""
    return figure_of(draw_points_by_side, tree, points, size=(4.2, 3.6))


def draw_points_by_side(axes: Axes, tree: xr.DataTree, points: np.ndarray) -> None:
    """Draw on axes what :func:`points_by_side` says."""
    centred = points - points.mean(0)
    widest = np.linalg.svd(centred, full_matrices=False)[2][:2]
    place = centred @ widest.T
    place = place if place.shape[1] == 2 else np.c_[place, np.zeros(len(place))]
    side, unit = np.asarray(tree["points/side_of"]), tree.attrs["unit"]
    for k, latent in enumerate(np.asarray(tree["sides/latent"])):
        axes.plot(*place[side == k].T, ".", color=colour_of(k), markersize=2, label=f"side {k}: {latent}")
    axes.set_aspect("equal", "datalim")
    axes.set(xlabel=f"widest direction {f'[{unit}]' if unit else ''}".rstrip(), ylabel="next widest")
    axes.legend(fontsize=8, markerscale=4)
