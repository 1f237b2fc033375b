"""AUC one way beside the other: complex jets among simple ones, and simple among complex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import class_colours, class_label, figure_of, house

Way = tuple[str, str]
"""Anomaly and background."""
SHOWN = ("reconstruction", "kl", "log_p", "rare_mixture", "rare_ratio", "rare_responsibility", "entropy", "typicality")
TITLES = {"kl": "KL", "log_p": "log p(x)"}
"""Scores that are not written as they are named."""
NO_MODEL = "none"
"""Stands for the scores of the image alone."""
SHIFTS = {"o": -0.13, "s": 0.13}
"""Marker of each way -> how far below the middle of its row it is, so that it does not cover the other."""


def two_ways(auc: xr.DataArray, ways: Sequence[Way], models: Mapping[str, str]) -> Figure:
    """Draw the AUC both ways, a row for each model and score: pure, and at the largest contamination.

    ``auc`` (model, score, background, contamination, seed, anomaly); ``models`` is model -> its name.
    """
    rows = rows_of(auc, models)
    size = (7.6, 0.19 * len(rows) + 1.2)
    figure = figure_of(draw_two_ways, auc, ways, rows, size=size, grid=(1, 2), share=(True, True))
    with house():
        handles, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(names), fontsize=9)
    return figure


def rows_of(auc: xr.DataArray, models: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return (model, score) -> what a row is called, for the scores that are shown and that a model has."""
    known = [(model, score) for model in (*models, NO_MODEL) for score in SHOWN]
    there = [(m, s) for m, s in known if {m} <= {*auc["model"].values} and {s} <= {*auc["score"].values}]
    return {
        (model, score): f"{models.get(model, 'no network')}: {TITLES.get(score, score.replace('_', ' '))}"
        for model, score in there
        if np.isfinite(auc.sel(model=model, score=score)).any()
    }


def draw_two_ways(
    panels: np.ndarray, auc: xr.DataArray, ways: Sequence[Way], rows: Mapping[tuple[str, str], str]
) -> None:
    """Draw on two panels what :func:`two_ways` says."""
    for axes, contamination in zip(panels.ravel(), (0.0, float(auc["contamination"].max())), strict=True):
        mine = auc.sel(contamination=contamination)
        colours = class_colours(anomaly for anomaly, _ in ways)
        for marker, (anomaly, background) in zip(SHIFTS, ways, strict=False):
            title = f"{class_label(anomaly)} among {class_label(background)}"
            found = mine.sel(anomaly=anomaly, background=background)
            draw_scores(axes, found, rows, (title, colours[anomaly], marker))
        axes.axvline(0.5, color="0.7", linestyle=":", zorder=0)
        axes.set(xlabel="AUC", title=f"{100 * contamination:g} % contamination", xlim=(0, 1))


def draw_scores(
    axes: Axes, auc: xr.DataArray, rows: Mapping[tuple[str, str], str], drawn: tuple[str, str, str]
) -> None:
    """Draw median and range of the seeds of ``auc`` (model, score, seed), a row each; ``drawn``: title, colour, marker.

    A thin line parts the models.
    """
    title, colour, marker = drawn
    values = np.stack([np.sort(auc.sel(model=model, score=score).values) for model, score in rows])
    place, middle = np.arange(len(rows)), np.median(values, 1)
    apart = np.abs(values[:, [0, -1]].T - middle)
    style = dict[str, Any](markersize=4, linewidth=1)
    axes.errorbar(middle, place + SHIFTS[marker], xerr=apart, fmt=marker, color=colour, label=title, **style)
    models = [model for model, _ in rows]
    for number in np.flatnonzero([one != other for one, other in zip(models[1:], models[:-1], strict=True)]):
        axes.axhline(number + 0.5, color="0.85", linewidth=0.8, zorder=0)
    axes.set_yticks(place, list(rows.values()), fontsize=8)
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
