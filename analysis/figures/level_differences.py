"""Dimension and KL of two samples, and their differences, against the scale."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale, scale_label, scales
from analysis.figures.style import COLOURS, figure_of

LINES = (COLOURS[0], COLOURS[1], COLOURS[3])
"""Colours of both samples and of their difference."""
LABELS = {"D2": "$D_2$", "kl": "KL [nat]"}


def level_differences(found: xr.Dataset, onsets: dict[str, tuple[float, float]]) -> Figure:
    """Draw D2 and KL of both samples with bands, below them the difference; a grey band marks where it begins.

    ``found`` is from :func:`analysis.measures.level_differences.compared`; ``onsets`` are low and high end of the
    resolutions below which the curves differ, name -> (low, high), of those that do.
    """
    return figure_of(
        draw_differences, found, onsets, size=(7.2, 4.8), grid=(2, 2), share=("col", False), heights=(3, 2)
    )


def draw_differences(panels: np.ndarray, found: xr.Dataset, onsets: dict[str, tuple[float, float]]) -> None:
    """Draw on two by two panels what :func:`level_differences` says."""
    x, names = scales(found), [str(name) for name in found["sample"].values]
    for column, name in zip(panels.T, LABELS, strict=True):
        above, beneath = column
        for colour, own in zip(LINES, names, strict=False):
            band(above, x, found[name].sel(sample=own), found[f"{name}_error"].sel(sample=own), colour, own)
        gap, error = found[f"{name}_difference"], found[f"{name}_difference_error"]
        band(beneath, x, gap, error, LINES[2], f"{names[1]} - {names[0]}")
        of_jets = found[f"{name}_difference_error_of_jets"]
        beneath.fill_between(x, gap - of_jets, gap + of_jets, color=LINES[2], alpha=0.35, lw=0)
        beneath.axhline(0, color="0.4", linewidth=0.8)
        for axes in column:
            if name in onsets:
                axes.axvspan(*(found.attrs["scale"] * end for end in onsets[name]), color="0.85", lw=0, zorder=0)
            axes.set(xscale="log")
            label_scale(axes.xaxis)
        above.set(ylabel=LABELS[name], ylim=(0, None))
        beneath.set(ylabel=f"difference of {LABELS[name]}", xlabel=scale_label(found))
        above.legend(fontsize=9)
        beneath.legend(fontsize=8)


def band(axes: Axes, x: np.ndarray, value: xr.DataArray, error: xr.DataArray, colour: str, label: str) -> None:
    """Draw a line with its band."""
    axes.plot(x, value, color=colour, label=label)
    axes.fill_between(x, value - error, value + error, color=colour, alpha=0.25, lw=0)
