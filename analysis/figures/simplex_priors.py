"""The Dirichlet and the softmax-normal that approximates it: the density of each weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import COLOURS, figure_of

LINES: dict[str, Literal["-", "--"]] = {"Dirichlet": "-", "softmax-normal": "--"}
LOWEST = 0.05
"""Smallest density drawn."""
OF_WEIGHTS = (COLOURS[0], COLOURS[1], COLOURS[3], COLOURS[4], COLOURS[5])


def simplex_priors(found: Sequence[xr.Dataset]) -> Figure:
    """Draw a panel for each of :func:`analysis.measures.simplex_priors.compare`, two in a row."""
    rows = -(-len(found) // 2)
    return figure_of(draw_all, found, size=(7.2, 2.7 * rows), grid=(rows, 2), share=(True, True))


def draw_all(panels: np.ndarray, found: Sequence[xr.Dataset]) -> None:
    """Draw the panels (row, column)."""
    for axes, one in zip(panels.flat, found, strict=False):
        draw_densities(axes, one)
    for axes in panels.flat[len(found) :]:
        axes.remove()
    for axes in panels[:-1].flat:
        axes.set_xlabel("")
    for axes in panels[:, 1:].flat:
        axes.set_ylabel("")


def draw_densities(axes: Axes, found: xr.Dataset) -> None:
    """Draw the density of each weight under both priors, and its means, of the Dirichlet filled; equal weights once."""
    alpha = np.asarray(found.attrs["alpha"])
    first = sorted(np.unique(alpha, return_index=True)[1])
    for colour, k in zip(OF_WEIGHTS, first, strict=False):
        for prior, line in LINES.items():
            mine = found.sel(prior=prior).isel(weight=k)
            axes.plot(found["share"], mine["density"], line, color=colour)
            fill = colour if prior == "Dirichlet" else "white"
            axes.plot(mine["mean"], LOWEST, "^", color=colour, markerfacecolor=fill, clip_on=False, zorder=3)
    axes.set(xlim=(0, 1), ylim=(LOWEST, 30), yscale="log", xlabel="weight $w_k$", ylabel="density")
    axes.set_title(rf"$\alpha$ = ({', '.join(f'{a:g}' for a in alpha)})", fontsize=10)
    priors = [Line2D([], [], color="0.3", linestyle=line, label=prior) for prior, line in LINES.items()]
    weights = [
        Line2D([], [], color=colour, label=rf"$\alpha_k$ = {alpha[k]:g}")
        for colour, k in zip(OF_WEIGHTS, first, strict=False)
    ]
    filled = [*priors, *[Line2D([], [], linestyle="", label=" ")] * (len(weights) - len(priors))]
    axes.legend(handles=[*filled, *(weights if len(weights) > 1 else [])], fontsize=8, ncols=2, loc="upper center")
