"""AUC of single trainings against their bound, and which of them each rule chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of

MARKS = ("o", "s", "D", "^", "v", "p")
"""Around the training that a rule chooses."""
COLUMNS = 5


def auc_against_bound(found: xr.Dataset, titles: Mapping[str, str]) -> Figure:
    """Draw ``auc`` against ``bound`` (case, start), a panel for each case; see :func:`draw_trainings`."""
    columns = min(COLUMNS, found.sizes["case"])
    rows = -(-found.sizes["case"] // columns)
    size = (max(5.6, 0.6 + 2.1 * columns), 0.8 + 2.1 * rows)
    return figure_of(draw_cases, found, titles, size=size, grid=(rows, columns), share=(False, True))


def draw_cases(panels: Any, found: xr.Dataset, titles: Mapping[str, str]) -> None:
    """Draw on panels what :func:`auc_against_bound` says, with one legend."""
    for axes, case in zip(panels.flat, found["case"].values, strict=False):
        draw_trainings(axes, found.sel(case=case), titles)
    for axes in panels.flat[found.sizes["case"] :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("AUC, held-out jets")
    figure = panels.flat[0].figure
    figure.supxlabel("training bound, less the best one [nat]", fontsize="medium")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize="small")


def draw_trainings(axes: Axes, mine: xr.Dataset, titles: Mapping[str, str]) -> None:
    """Draw ``auc`` (start) against ``bound`` (start) [nat] less the best, wrong ones apart, on axes.

    ``titles`` names the rules, whose choices ``chosen`` (rule) get a mark around them.
    """
    x, wrong = mine["bound"] - mine["bound"].max(), mine["wrong"].values.astype(bool)
    for which, colour, marker, label in ((~wrong, COLOURS[0], "o", "right"), (wrong, COLOURS[1], "X", "wrong")):
        axes.plot(x[which], mine["auc"][which], marker, color=colour, markersize=4, label=label, markeredgewidth=0)
    for i, (rule, title) in enumerate(titles.items()):
        at = {"start": int(mine["chosen"].sel(rule=rule))}
        size, style = 8 + 2.5 * i, dict[str, Any](markerfacecolor="none", markeredgecolor="0.25")
        axes.plot(x.sel(at), mine["auc"].sel(at), MARKS[i], markersize=size, label=title, **style)
    axes.axhline(0.5, color="0.6", linestyle=":")
    axes.margins(x=0.12)
    axes.set(ylim=(0, 1))
    axes.set_title(str(mine["case"].values), fontsize="small")
