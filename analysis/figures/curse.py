"""The dimension that is found against the true one."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import colour_of, figure_of

NAMES = {"VAE": "VAE, $D_2$", "pairs": "correlation dimension"}


def found_against_true(dimension: xr.DataArray) -> Figure:
    """Draw ``dimension`` (true, estimator, seed) against ``true``."""
    return figure_of(draw_found, dimension, size=(3.8, 3.4))


def draw_found(axes: Axes, dimension: xr.DataArray) -> None:
    """Draw on axes what :func:`found_against_true` says."""
    true = np.asarray(dimension["true"])
    axes.plot([0, 1.1 * true.max()], [0, 1.1 * true.max()], color="0.6", linewidth=1, zorder=0, label="true")
    for i, (estimator, name) in enumerate(NAMES.items()):
        mine = dimension.sel(estimator=estimator).transpose("true", "seed")
        axes.plot(np.repeat(true, mine.sizes["seed"]), mine.values.ravel(), "os"[i], color=colour_of(i), markersize=4)
        axes.plot(true, mine.mean("seed"), color=colour_of(i), linewidth=1)
        axes.plot([], [], f"{'os'[i]}-", color=colour_of(i), markersize=4, linewidth=1, label=name)
    axes.set(xlabel="true dimension", ylabel="dimension found", xlim=(0, None), ylim=(0, None))
    axes.legend()
