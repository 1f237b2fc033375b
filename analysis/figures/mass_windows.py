"""A score against the jet mass, and how well it tags in windows of mass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import COLOURS, class_colours, class_label, figure_of

Values = NDArray[np.floating]
OfClasses = Mapping[str, tuple[Values, Values]]
"""Class -> mass [GeV] and score of its jets, ``(n,)`` each."""
MOST = 1500
"""Jets drawn of each class."""


def score_and_mass(jets: OfClasses, score: str, found: Mapping[str, xr.Dataset]) -> Figure:
    """Draw a positive ``score`` against the mass, and its AUC in windows, ``found``, for the other classes of ``jets``.

    ``found`` is class -> :func:`analysis.measures.mass_windows.auc_in_windows` of it against the first class.
    """
    return figure_of(draw_both, jets, score, found, size=(8.2, 3.3), grid=(1, 2))


def draw_both(panels: NDArray, jets: OfClasses, score: str, found: Mapping[str, xr.Dataset]) -> None:
    """Draw on two panels what :func:`score_and_mass` says."""
    draw_score(panels[0, 0], jets, score)
    background, colours = class_label(next(iter(jets))), class_colours(jets)
    for name, windows in found.items():
        draw_windows(panels[0, 1], windows, f"{class_label(name)} in {background}", colours[name])


def draw_score(axes: Axes, jets: OfClasses, score: str) -> None:
    """Draw a score against the mass, a point for each jet, at most 1,500 of each class."""
    for name, colour in class_colours(jets).items():
        mass, values = (column[:MOST] for column in jets[name])
        points = dict[str, Any](markersize=2, alpha=0.5, rasterized=True)
        axes.plot(mass, values, ".", color=colour, label=class_label(name), **points)
    axes.set(yscale="log", xlabel="jet mass [GeV]", ylabel=score)
    axes.legend(markerscale=5)


def draw_windows(axes: Axes, found: xr.Dataset, title: str = "", colour: str = COLOURS[0]) -> None:
    """Draw the AUC in windows of mass with its errors, and in the window without end as a dotted line."""
    ends = np.isfinite(found["high"].values)
    narrow = found.isel(window=ends)
    middle, half = (narrow["low"] + narrow["high"]) / 2, (narrow["high"] - narrow["low"]) / 2
    axes.errorbar(middle, narrow["auc"], narrow["error"], half, "o", color=colour, markersize=3, label=title)
    for whole in found["auc"].values[~ends]:
        axes.axhline(whole, color=colour, linestyle=":", label=f"{title}, all masses")
    axes.axhline(0.5, color="0.6", linewidth=0.8)
    axes.set(xlabel="jet mass [GeV]", ylabel="AUC")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.06))
