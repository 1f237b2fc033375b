"""Dimension of several samples in one figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import BOUND, SYMBOLS, UNSURE, draw_dimensions, label_scale, scale_label, scales
from analysis.figures.style import class_colours, class_label, figure_of, house
from analysis.measures.dimension_curves import AGREE

FEW = 5
"""Dimensions up to which each has a line of its own to be held against."""


def dimension_samples(curves: Mapping[str, xr.Dataset]) -> Figure:
    """Draw D of each sample with its band, D2 and D1 thin, below it D1 / D2.

    ``curves`` is name -> :func:`analysis.evaluation.resolutions.dimension`.
    """
    figure = figure_of(draw_samples, curves, size=(5.2, 5.2), grid=(2, 1), share=(True, False), heights=(3, 1))
    with house():
        named = zip(*figure.axes[0].get_legend_handles_labels(), strict=True)
        handles, labels = zip(*sorted(named, key=lambda item: item[1] in (BOUND, UNSURE)), strict=True)
        figure.legend(handles, labels, loc="outside upper center", ncols=-(-len(labels) // 2), fontsize=8)
    return figure


def draw_samples(panels: np.ndarray, curves: Mapping[str, xr.Dataset]) -> None:
    """Draw on two panels, one above the other, what :func:`dimension_samples` says."""
    above, below = panels.ravel()
    for name, colour in class_colours(curves).items():
        one = curves[name]
        draw_dimensions(above, one, class_label(name), colour)
        ratio = np.asarray(one["D1"] / one["D2"])
        alive = np.asarray(one["D2"]) > 0.5  # where nothing is encoded, the ratio says nothing
        below.plot(scales(one)[alive], ratio[alive], color=colour)
    above.set(xlabel="")
    add_guides(above)
    if any("D" in one for one in curves.values()):
        for name, style in (("D2", "-."), ("D1", "--")):
            above.plot([], [], style, color="0.3", linewidth=0.8, label=f"${SYMBOLS[name]}$")
    below.axhspan(1 - AGREE, 1 + AGREE, color="0.9", lw=0)
    below.set(ylim=(0.7, 1.3), ylabel="$D_1/D_2$", xlabel=scale_label(one))
    label_scale(below.xaxis)


def add_guides(axes: Axes) -> None:
    """Draw a thin line at each whole number of dimensions, where there are few."""
    top = int(axes.get_ylim()[1])
    for number in range(1, top + 1) if top <= FEW else ():
        axes.axhline(number, color="0.85", linewidth=0.8, zorder=0)
