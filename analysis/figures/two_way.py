"""AUC one way against the other: complex jets among simple ones, and simple among complex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of, house

Way = tuple[str, str]
"""Anomaly and background."""
SHOWN = ("reconstruction", "kl", "log_p", "rare_mixture", "rare_ratio", "rare_responsibility", "entropy", "typicality")
MARKERS = "ovP^<>D*"
NO_MODEL = "none"
"""Stands for the scores of the image alone."""


def two_ways(auc: xr.DataArray, ways: Sequence[Way], models: Mapping[str, str]) -> Figure:
    """Draw one way against the other, pure and at the largest contamination: colour by model, marker by score.

    ``auc`` (model, score, background, contamination, seed, anomaly); ``models`` is model -> its name.
    """
    figure = figure_of(draw_two_ways, auc, ways, models, size=(7.6, 3.9), grid=(1, 2), share=(True, True))
    with house():
        handles, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center", fontsize=7)
    return figure


def draw_two_ways(panels: np.ndarray, auc: xr.DataArray, ways: Sequence[Way], models: Mapping[str, str]) -> None:
    """Draw on two panels what :func:`two_ways` says."""
    (a, b), (c, d) = ways
    for axes, contamination in zip(panels.ravel(), (0.0, float(auc["contamination"].max())), strict=True):
        mine = auc.sel(contamination=contamination)
        x, y = (mine.sel(anomaly=one, background=other) for one, other in ((a, b), (c, d)))
        draw_scores(axes, x, y, models)
        axes.set(xlabel=f"AUC, {a} among {b}", title=f"{100 * contamination:g} % contamination")
        axes.axhline(0.5, color="0.7", linestyle=":", zorder=0)
        axes.axvline(0.5, color="0.7", linestyle=":", zorder=0)
    panels.ravel()[0].set(ylabel=f"AUC, {c} among {d}", xlim=(0, 1.02), ylim=(0, 1.02))


def draw_scores(axes: Axes, x: xr.DataArray, y: xr.DataArray, models: Mapping[str, str]) -> None:
    """Draw the median seed of each score that is shown: colour by model, marker by score."""
    for model, colour in (dict(zip(models, COLOURS, strict=False)) | {NO_MODEL: "k"}).items():
        own: dict[str, Any] = {"markersize": 6, "markeredgewidth": 0}
        if model == NO_MODEL:
            own = {"markersize": 10, "markeredgewidth": 0.8, "markeredgecolor": "w"}
        else:
            axes.plot([], [], "s", color=colour, label=models[model])
        for score, marker in zip(SHOWN, MARKERS, strict=True):
            one, other = (median(values.sel(model=model), score) for values in (x, y))
            axes.plot(one, other, marker, color=colour, **own)
    for score, marker in zip(SHOWN, MARKERS, strict=True):
        axes.plot([], [], marker, color="0.4", label=score.replace("_", " "))


def median(values: xr.DataArray, score: str) -> float:
    """Return the median over seeds, NaN where the model lacks the score."""
    return float(np.median(values.sel(score=score))) if score in values["score"] else float("nan")
