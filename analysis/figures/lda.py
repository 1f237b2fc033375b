"""AUC of several models, a row each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import LINES, figure_of


def auc_by_model(area: xr.DataArray, names: Sequence[Sequence[str]]) -> Figure:
    """Draw ``area`` (mixtures, model, seed), a row for each number of mixtures and model, named by ``names``."""
    rows = area.sizes["mixtures"] * area.sizes["model"]
    return figure_of(draw_auc, area, names, size=(4.8, 0.36 * rows + 1.0))


def draw_auc(axes: Axes, area: xr.DataArray, names: Sequence[Sequence[str]]) -> None:
    """Draw on axes what :func:`auc_by_model` says; a line at the median."""
    flat = [name for some in names for name in some]
    values = area.transpose("mixtures", "model", "seed").values.reshape(len(flat), -1)
    place = np.arange(len(flat))[::-1]
    for i, (y, mine) in enumerate(zip(place, values, strict=True)):
        colour = LINES[i % area.sizes["model"] % len(LINES)]
        axes.plot(mine, np.full(len(mine), y), "o", color=colour, markersize=5, alpha=0.7)
        axes.plot([np.median(mine)] * 2, [y - 0.3, y + 0.3], color=colour)
    axes.set_yticks(place, flat)
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set(xlabel="AUC of the best mixture weight", ylim=(-0.6, len(flat) - 0.4))
