"""Which manifold the jets of each class live on, against the scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale, scale_label, scales
from analysis.figures.style import class_label, colour_of, figure_of

MOST = 4
"""Classes drawn at most."""


def shares_by_scale(curves: xr.Dataset, labels: Sequence[str]) -> Figure:
    """Draw ``category_share`` (class, beta, category) against the scale, a panel for each class, with these labels."""
    number = min(MOST, curves.sizes["class"])
    size = (1.2 + 2.8 * number, 2.9)
    return figure_of(draw_shares, curves, labels, size=size, grid=(1, number), share=(False, True))


def draw_shares(panels: np.ndarray, curves: xr.Dataset, labels: Sequence[str]) -> None:
    """Draw on panels ``(1, classes)`` what :func:`shares_by_scale` says."""
    values = curves["category_share"].transpose("class", "category", "beta")
    for axes, mine, name in zip(panels.flat, values.values, curves["class"].values, strict=False):
        for i, (share, label) in enumerate(zip(mine, labels, strict=True)):
            axes.plot(scales(curves), share, ("-", "--")[i // 6 % 2], color=colour_of(i), label=label)
        axes.set(title=class_label(str(name)), xscale="log", xlabel=scale_label(curves), ylim=(0, 1))
        label_scale(axes.xaxis)
    panels.flat[0].set_ylabel("part of the jets")
    panels.flat[0].legend()
