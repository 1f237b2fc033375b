"""AUC of taggers against the fraction of the minority in training."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of


def auc_against_fraction(auc: xr.DataArray, titles: Mapping[str, str]) -> Figure:
    """Draw AUC (fraction, seed, tagger) against the fraction: every seed, and the median; ``titles`` names taggers."""
    return figure_of(draw_fractions, auc, titles, size=(4.6, 3.4))


def draw_fractions(axes: Axes, auc: xr.DataArray, titles: Mapping[str, str]) -> None:
    """Draw on axes what :func:`auc_against_fraction` says."""
    for (tagger, title), colour, marker in zip(titles.items(), COLOURS, "os", strict=False):
        mine = auc.sel(tagger=tagger)
        for seed in mine["seed"]:
            one = mine.sel(seed=seed)
            axes.plot(auc["fraction"], one, f"{marker}-", color=colour, markersize=3, linewidth=0.5, alpha=0.5)
        axes.plot(auc["fraction"], mine.median("seed"), color=colour, label=title)
    axes.axhline(0.5, color="0.6", linestyle=":")
    axes.set(xscale="log", xlabel="top / QCD in the training sample", ylabel="AUC, held-out jets", ylim=(None, 1))
    axes.invert_xaxis()
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(title="median; thin: each seed")
