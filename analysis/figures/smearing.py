"""Smearing and distance of what is decoded, against the resolution."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale
from analysis.figures.style import colour_of, figure_of

NAMES = {"smearing": "from its centre (smearing)", "distance": "from the point"}


def smearing_curves(found: xr.Dataset) -> Figure:
    """Draw ``smearing`` and ``distance`` (seed, beta) on their exact lines; dotted: beta."""
    return figure_of(draw_smearing, found, size=(4.4, 3.4))


def draw_smearing(axes: Axes, found: xr.Dataset) -> None:
    """Draw on axes what :func:`smearing_curves` says."""
    beta = found["beta"].values
    axes.loglog(beta, beta, ":", color="0.3", linewidth=1, label=r"$\rho = \beta$")
    for i, (name, title) in enumerate(NAMES.items()):
        exact = found[f"exact_{name}"].values
        axes.loglog(beta, np.where(exact > 0, exact, np.nan), color=colour_of(i), linewidth=1)
        points = found[name].transpose("beta", "seed").values
        axes.loglog(beta, points, "os"[i], color=colour_of(i), markersize=3.5)
        axes.plot([], [], "os"[i], color=colour_of(i), markersize=3.5, label=title)
    axes.set(xlabel=r"resolution $\beta$", ylabel="rms distance of what is decoded", ylim=(beta[0] / 2, None))
    label_scale(axes.xaxis)
    axes.legend(fontsize=8)
