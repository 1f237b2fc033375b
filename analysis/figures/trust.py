"""How far a posterior can be trusted: calibration, comparison with NUTS."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.measures.calibration import calibration
from analysis.store import names

MOST = 6
"""Coordinates drawn, those of the smallest p-value."""


def calibration_curves(table: xr.Dataset) -> Figure:
    """Draw the deviation of the ranks' ECDF from uniform, of :func:`analysis.measures.calibration.calibrate`."""
    return figure_of(draw_calibration, table, size=(4.6, 3.0))


def draw_calibration(axes: Axes, table: xr.Dataset) -> None:
    """Draw on axes what :func:`calibration_curves` says, and the band of 95 % of exact posteriors."""
    order = np.argsort(np.asarray(table["p_value"]), kind="stable")[:MOST]
    coordinates = names(table["p_value"], "coordinate")
    for colour, i in zip(COLOURS, order, strict=False):
        found = calibration(np.asarray(table["rank"])[:, i], int(table.attrs["draws"]))
        level = np.concatenate([[0.0], found.levels, [1.0]])
        deviation, band = (np.pad(values, 1) for values in (found.deviation, found.band))
        if colour == COLOURS[0]:
            axes.fill_between(level, -band, band, color="#8a8a8a", alpha=0.25, lw=0, label="95 %")
        axes.plot(level, deviation, color=colour, label=f"{coordinates[i]}: p = {found.p_value:.3f}")
    axes.set(xlabel="rank of the truth among draws", ylabel="ECDF - uniform", xlim=(0, 1))
    axes.legend(fontsize=8, ncols=2)


def nuts_comparison(table: xr.Dataset) -> Figure:
    """Draw shift and ratio of widths (jet, coordinate) of :func:`analysis.measures.against_nuts.against_nuts`."""
    return figure_of(draw_nuts, table, size=(4.6, 3.2))


def draw_nuts(axes: Axes, table: xr.Dataset) -> None:
    """Draw on axes what :func:`nuts_comparison` says, a marker for each coordinate."""
    for i, name in enumerate(names(table["shift"], "coordinate")):
        one = table.sel(coordinate=name)
        marker = "os^Dv<>p"[i // len(COLOURS) % 8]
        axes.plot(one["shift"], one["sd_ratio"], marker, color=COLOURS[i % len(COLOURS)], markersize=3, label=name)
    axes.axhline(1, color="0.5", linewidth=1)
    axes.axvline(0, color="0.5", linewidth=1)
    axes.set(xlabel="shift of the mean [sd]", ylabel="width of the guide / NUTS", yscale="log")
    axes.legend(fontsize=7, ncols=1 + table.sizes["coordinate"] // 8)
