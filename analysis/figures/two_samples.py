"""Dimension and KL of two samples, their difference, and how significant that of their jets is, against the scale."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import scale_label, scales
from analysis.figures.level_differences import LABELS, draw_differences
from analysis.figures.style import COLOURS, figure_of
from analysis.measures.two_samples import LEVEL

TESTED = {"D2": {"D2": "$D_2$", "D1": "$D_1$"}, "kl": {"kl": "KL", "distortion": "distortion"}}
"""Panel -> the curves whose t stands below it."""
LINES = (COLOURS[3], COLOURS[4])
MARKERS = ("o", "s")


def two_samples(found: xr.Dataset) -> Figure:
    """Draw D2 and KL of both samples with bands, below them their difference, and below that t of the test.

    ``found`` is from :func:`analysis.evaluation.two_samples.two_samples`. Bands: errors of jets and seeds. t is of the
    jets of both in the same models, in errors: filled where p < 0.05, after correction for the scales of a curve; grey:
    between the values that its largest exceeds in one of twenty permutations.
    """
    return figure_of(draw_panels, found, size=(7.2, 6.2), grid=(3, 2), share=("col", False), heights=(3, 2, 2))


def draw_panels(panels: np.ndarray, found: xr.Dataset) -> None:
    """Draw on three by two panels what :func:`two_samples` says."""
    draw_differences(panels[:2], found, {})
    for column, name in zip(panels.T, LABELS, strict=True):
        column[1].set(xlabel="")
        t_of_jets(column[2], found, name)


def t_of_jets(axes: Axes, found: xr.Dataset, panel: str) -> None:
    """Draw t of the curves that belong to a panel, D2 or kl, on axes."""
    x = scales(found)
    for (name, label), colour, marker in zip(TESTED[panel].items(), LINES, MARKERS, strict=True):
        own = found.sel(curve=name)
        t, seen = np.asarray(own["t"]), np.asarray(own["p"]) < LEVEL
        axes.plot(x, t, color=colour, linewidth=0.8)
        axes.plot(x[~seen], t[~seen], marker, color=colour, fillstyle="none", markersize=4, linestyle="none")
        axes.plot(x[seen], t[seen], marker, color=colour, markersize=4.5, linestyle="none")
        p = float(own["curve_p"])
        least = 1 / (1 + found.attrs["permutations"])
        text = f"p < {2 * least:.1g}" if p <= least * 1.5 else f"p = {p:.2g}"
        axes.plot([], [], marker, color=colour, markersize=4.5, label=f"{label}, {text}")
    critical = float(found["critical"].sel(curve=list(TESTED[panel])).max())
    axes.axhspan(-critical, critical, color="0.9", lw=0, zorder=0)
    axes.axhline(0, color="0.4", linewidth=0.8)
    low, high = axes.get_ylim()
    axes.set(xscale="log", xlabel=scale_label(found), ylabel="$t$, same models", ylim=(low, high + 0.35 * (high - low)))
    axes.legend(fontsize=8, ncols=2, loc="upper center")
