"""Reconstruction error against measures of complexity: why it tags one way only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import class_colours, class_label, figure_of, house

BANDS = 12
"""Quantile bins in which the median reconstruction is drawn."""


def complexity_bands(found: xr.Dataset, measures: Mapping[str, str]) -> Figure:
    """Draw the reconstruction (trained_on, jet) [nat] against each measure, by class; a row for each training class.

    ``measures`` is variable (jet,) -> what it is on an axis; ``class_name`` (jet,).
    """
    size, grid = (2.5 * len(measures), 4.8), (found.sizes["trained_on"], len(measures))
    figure = figure_of(draw_bands, found, measures, size=size, grid=grid, share=("col", "row"))
    with house():
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def draw_bands(panels: np.ndarray, found: xr.Dataset, measures: Mapping[str, str]) -> None:
    """Draw on panels ``(trained_on, measures)`` what :func:`complexity_bands` says."""
    label, colours = np.asarray(found["class_name"]), class_colours(map(str, found["trained_on"].values))
    for row, name in zip(panels, found["trained_on"].values, strict=True):
        for axes, measure in zip(row, measures, strict=True):
            for kind, colour in colours.items():
                mine = found.sel(trained_on=name, jet=label == kind)
                title = f"{class_label(kind)}: median and central 68 %"
                draw_band(axes, mine[measure].values, mine["reconstruction"].values, colour, title)
        row[0].set_ylabel(f"reconstruction [nat]\ntrained on {class_label(str(name))}")
    for axes, text in zip(panels[-1], measures.values(), strict=True):
        axes.set_xlabel(text)


def draw_band(axes: Axes, x: NDArray, y: NDArray, colour: str, name: str) -> None:
    """Draw median and central 68 % of y ``(jet,)`` in quantile bins of x ``(jet,)``; equal x are in one bin."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BANDS + 1)[1:-1]))
    place = np.digitize(x, edges)
    order = [np.flatnonzero(place == number) for number in np.unique(place)]
    centre = [np.median(x[rows]) for rows in order]
    low, middle, high = np.transpose([np.quantile(y[rows], (0.16, 0.5, 0.84)) for rows in order])
    axes.plot(centre, middle, color=colour, label=name)
    axes.fill_between(centre, low, high, color=colour, alpha=0.25, linewidth=0)
