"""A category's AUC and bound, by how it was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import LINES, figure_of


def auc_and_bound(found: xr.Dataset) -> Figure:
    """Draw ``auc`` and ``bound`` (posterior, seed), a row for each posterior and a point for each seed."""
    return figure_of(draw_both, found, size=(7.2, 2.4), grid=(1, 2), share=(False, True))


def draw_both(panels: Any, found: xr.Dataset) -> None:
    """Draw on two panels what :func:`auc_and_bound` says; a line at the median."""
    names = [str(name) for name in found["posterior"].values]
    for axes, name, label in zip(panels[0], ("auc", "bound"), ("AUC of the category", "bound [nat]"), strict=True):
        for i, mine in enumerate(found[name].values):
            axes.plot(mine, np.full(len(mine), i), "o", color=LINES[i % len(LINES)], markersize=5, alpha=0.7)
            axes.plot([np.median(mine)] * 2, [i - 0.3, i + 0.3], color=LINES[i % len(LINES)])
        axes.tick_params(axis="y", which="minor", left=False, right=False)
        axes.set(xlabel=label, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
