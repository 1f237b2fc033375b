"""Reconstruction error against measures of complexity: why it tags one way only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import COLOURS, figure_of

BANDS = 12
"""Quantile bins in which the median reconstruction is drawn."""


def complexity_bands(found: xr.Dataset, measures: Mapping[str, str]) -> Figure:
    """Draw the reconstruction (trained_on, jet) [nat] against each measure, by class; a row for each training class.

    ``measures`` is variable (jet,) -> what it is on an axis; ``class_name`` (jet,).
    """
    size, grid = (2.5 * len(measures), 4.6), (found.sizes["trained_on"], len(measures))
    return figure_of(draw_bands, found, measures, size=size, grid=grid, share=("col", "row"))


def draw_bands(panels: np.ndarray, found: xr.Dataset, measures: Mapping[str, str]) -> None:
    """Draw on panels ``(trained_on, measures)`` what :func:`complexity_bands` says."""
    label = np.asarray(found["class_name"])
    for row, name in zip(panels, found["trained_on"].values, strict=True):
        for axes, measure in zip(row, measures, strict=True):
            for colour, kind in zip(COLOURS, found["trained_on"].values, strict=False):
                mine = found.sel(trained_on=name, jet=label == kind)
                draw_band(axes, mine[measure].values, mine["reconstruction"].values, colour, str(kind))
        row[0].set_ylabel(f"reconstruction [nat]\ntrained on {name}")
    for axes, text in zip(panels[-1], measures.values(), strict=True):
        axes.set_xlabel(text)
    panels[0, 0].legend(title="median, 68 %")


def draw_band(axes: Axes, x: NDArray, y: NDArray, colour: str, name: str) -> None:
    """Draw median and central 68 % of y ``(jet,)`` in quantile bins of x ``(jet,)``."""
    order = np.array_split(np.argsort(x, kind="stable"), BANDS)
    centre = [np.median(x[rows]) for rows in order]
    low, middle, high = np.transpose([np.quantile(y[rows], (0.16, 0.5, 0.84)) for rows in order])
    axes.plot(centre, middle, color=colour, label=name)
    axes.fill_between(centre, low, high, color=colour, alpha=0.25, linewidth=0)
