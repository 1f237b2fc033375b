"""Smearing and distance of what is decoded, against the resolution."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale
from analysis.figures.style import colour_of, figure_of


def smearing_curves(found: xr.Dataset) -> Figure:
    """Draw ``smearing``, for each direction that is kept, and ``distance`` (seed, beta) on their exact lines."""
    return figure_of(draw_smearing, found, size=(4.6, 3.5))


def draw_smearing(axes: Axes, found: xr.Dataset) -> None:
    """Draw on axes what :func:`smearing_curves` says; dotted: beta."""
    beta = found["beta"].values
    kept = (np.atleast_1d(found.attrs["spectrum"]) > beta[:, None]).sum(1)
    each = np.where(kept > 0, 1 / np.sqrt(np.maximum(kept, 1)), np.nan)
    axes.loglog(beta, beta, ":", color="0.3", linewidth=1, label=r"$\rho = \beta$")
    drawn = (
        ("smearing", each, r"smearing $\rho$ in each direction kept"),
        ("distance", 1.0, "distance from the point"),
    )
    for i, (name, factor, title) in enumerate(drawn):
        colour, marker = colour_of(i), "os"[i]
        axes.loglog(beta, found[f"exact_{name}"].values * factor, color=colour, linewidth=1)
        for one in found[name].transpose("seed", "beta").values:
            axes.loglog(beta, one * factor, marker, color=colour, markersize=3.5)
        axes.plot([], [], marker, color=colour, markersize=3.5, label=title)
    axes.set(xlabel=r"resolution $\beta$", ylabel="rms distance of what is decoded")
    label_scale(axes.xaxis)
    axes.legend(fontsize=8)
