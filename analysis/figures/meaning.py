"""What latents mean: the map of correlations of coordinates with observables."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import figure_of
from analysis.measures.information import ACTIVE
from analysis.store import names

WRITTEN = 0.1
"""Least correlation that is written into its cell, but for those that are framed."""


def meaning_map(found: xr.Dataset, kl: xr.DataArray) -> Figure:
    """Draw the correlation of each coordinate with each observable; coordinates by falling KL [nat] (coordinate,).

    ``found`` is one sample of :func:`analysis.measures.meaning.meaning`. Framed: the observable of most mutual
    information.
    """
    values = drawn_correlations(found, kl)
    size = (0.46 * values.sizes["observable"] + 2.4, 0.34 * values.sizes["coordinate"] + 1.9)
    return figure_of(draw_meaning, values, found["best"], kl, size=size)


def drawn_correlations(found: xr.Dataset, kl: xr.DataArray) -> xr.DataArray:
    """Return the correlations that are drawn: of active coordinates, with observables that the jets have."""
    order = np.argsort(-np.asarray(kl))
    if (kl >= ACTIVE).any():
        order = order[np.asarray(kl)[order] >= ACTIVE]
    elif kl.any():  # else of a plain autoencoder, all of whose coordinates are drawn
        order = order[:1]
    return found["correlation"].isel(coordinate=order).dropna("observable", how="all")


def draw_meaning(axes: Axes, values: xr.DataArray, best: xr.DataArray, kl: xr.DataArray) -> None:
    """Draw on axes correlations (coordinate, observable), the ``best`` observable of each framed."""
    coordinates, observed = names(values, "coordinate"), names(values, "observable")
    if not observed:
        axes.text(0.5, 0.5, "no observable with 100 jets", ha="center", va="center")
        axes.set_axis_off()
        return
    drawn = axes.imshow(np.asarray(values), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    best_of = [str(best.sel(coordinate=name).values) for name in coordinates]
    framed = [(observed.index(name), i) for i, name in enumerate(best_of) if name in observed]
    for (i, j), value in np.ndenumerate(np.asarray(values)):
        if abs(value) >= WRITTEN or ((j, i) in framed and np.isfinite(value)):
            ink, text = "#ffffff" if abs(value) > 0.6 else "#111111", f"{value:.2f}".replace("0.", ".")
            axes.text(j, i, text, ha="center", va="center", fontsize=6.5, color=ink)
    x, y = zip(*framed, strict=True) if framed else ((), ())
    axes.scatter(x, y, s=230, marker="s", facecolors="none", edgecolors="#111111", linewidths=1.2)
    axes.set_xticks(range(len(observed)), observed, rotation=50, ha="right", fontsize=8)
    labels = [f"{name}  {float(kl.sel(coordinate=name)):.1f} nat" for name in coordinates]
    axes.set_yticks(range(len(coordinates)), labels, fontsize=8)
    axes.tick_params(which="both", length=0)
    axes.figure.colorbar(drawn, ax=axes, label="correlation")
