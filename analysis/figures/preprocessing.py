"""Scores as steps are added to the pre-processing."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import colour_of, figure_of

LABELS = {"auc": "AUC", "rejection": r"$1/\epsilon_B$ at $\epsilon_S = 0.3$"}


def auc_by_steps(found: xr.Dataset) -> Figure:
    """Draw ``auc`` and ``rejection`` (steps, seed, score), a panel each."""
    return figure_of(draw_steps, found, size=(6.8, 3.0), grid=(1, 2))


def draw_steps(panels: np.ndarray, found: xr.Dataset) -> None:
    """Draw on panels ``(1, 2)`` what :func:`auc_by_steps` says; a line through the medians."""
    place = np.arange(found.sizes["steps"])
    for axes, (name, label) in zip(panels.flat, LABELS.items(), strict=True):
        for i, score in enumerate(found["score"].values):
            mine = found[name].sel(score=score).transpose("steps", "seed")
            axes.plot(place, mine.median("seed"), color=colour_of(i), linewidth=1, label=str(score))
            aside = place + 0.08 * (i - 0.5)  # seeds of two scores are not to cover one another
            axes.plot(aside, mine, "os"[i], color=colour_of(i), markersize=4, alpha=0.7)
        axes.set_xticks(place, found["steps"].values)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(ylabel=label, xlim=(-0.3, len(place) - 0.7))
    panels.flat[0].legend()
