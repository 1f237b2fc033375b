"""Hysteresis of annealing: KL against resolution on the way down, up and down again."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale, scale_label, scales
from analysis.figures.style import LINES, figure_of
from analysis.measures.annealing import PASSES


def hysteresis(found: xr.DataArray, curves: xr.Dataset) -> Figure:
    """Draw the KL of each pass and of the training for the range against beta.

    ``found`` (pass, beta) is from :func:`analysis.measures.annealing.passes`, ``curves`` from
    :func:`analysis.evaluation.resolutions.dimension`.
    """
    return figure_of(draw_hysteresis, found, curves, size=(4.8, 3.4))


def draw_hysteresis(axes: Axes, found: xr.DataArray, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`hysteresis` says, and the least possible KL where it is known."""
    if "exact_kl" in curves:
        axes.plot(scales(curves), curves["exact_kl"], color="0.75", linewidth=4, label="least possible")
    for name, colour, style in zip(PASSES, LINES[1:], ("--", ":", "-."), strict=False):
        axes.plot(found["beta"], found.sel({"pass": name}), style, color=colour, label=f"annealed, {name}")
    axes.plot(scales(curves), curves["kl"], color=LINES[0], label="one training, all scales")
    axes.set(xscale="log", xlabel=scale_label(curves), ylabel="KL [nat]", ylim=(0, None))
    label_scale(axes.xaxis)
    axes.legend()
