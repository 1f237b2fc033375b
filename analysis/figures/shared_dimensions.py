"""What a model of two mixed classes needs beyond models of each, and the dimensions of both, against the scale."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale, scale_label, scales
from analysis.figures.level_differences import band
from analysis.figures.style import COLOURS, class_colours, class_label, figure_of

ALL = COLOURS[4]
"""Colour of all jets."""


def shared_dimensions(found: xr.Dataset) -> Figure:
    """Draw the excess of each class and of all jets, and D2 of both models with bands.

    ``found`` is from :func:`analysis.measures.shared_dimensions.compared`.
    """
    return figure_of(draw_shared, found, size=(7.6, 3.4), grid=(1, 2))


def draw_shared(panels: np.ndarray, found: xr.Dataset) -> None:
    """Draw on two panels what :func:`shared_dimensions` says."""
    (left, right), x = panels.ravel(), scales(found)
    for name, colour in class_colours(map(str, found["class"].values)).items():
        own = found.sel({"class": name})
        band(left, x, own["excess"], own["excess_error"], colour, class_label(name))
        for model, style in (("mixed", "-"), ("alone", "--")):
            curve = own.sel(model=model)
            band(right, x, curve["D2"], curve["D2_error"], colour, f"{class_label(name)}, {model}")
            right.lines[-1].set_linestyle(style)
    band(left, x, found["total"], found["total_error"], ALL, "all jets")
    left.axhline(0, color="0.4", linewidth=0.8)
    left.axhline(found.attrs["entropy"], color=ALL, linewidth=0.9, linestyle=":", label="all jets: the class")
    top = float((found["excess"] + found["excess_error"]).where(found["total_error"] < 1).max())
    low = float((found["excess"] - found["excess_error"]).where(found["total_error"] < 1).min())
    if np.isfinite(top) and np.isfinite(low):
        left.set_ylim(min(low, -0.1) * 1.05, max(top, found.attrs["entropy"]) * 1.15)
    left.set(ylabel="mixed less alone [nat]")
    right.set(ylabel="$D_2$", ylim=(0, None))
    for axes in (left, right):
        axes.set(xscale="log", xlabel=scale_label(found))
        label_scale(axes.xaxis)
        axes.legend(fontsize=8)
