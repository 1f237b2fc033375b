"""The Gibbs triangle: jets at their weights of three mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.images import draw_image
from analysis.figures.style import DARKEST, class_colours, class_label, figure_of, house
from analysis.figures.texts import make_legible

Weights = NDArray[np.floating]
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]])
"""Where the pure mixtures lie in the plane."""
MOST = 1500
"""Jets drawn of each class."""


def gibbs_triangle(
    weight: NDArray[np.floating], label: NDArray, known: Sequence[str], corners: Sequence[str]
) -> Figure:
    """Draw each jet at its weights ``(jet, 3)``, by class ``label`` (jet,); corners are named."""
    return figure_of(draw_triangle, weight, label, known, corners, size=(4.6, 4.0))


def draw_triangle(
    axes: Axes,
    weight: Weights,
    label: NDArray,
    known: Sequence[str],
    corners: Sequence[str],
    sides: Sequence[str] = ("center", "center", "center"),
    reach: float = 0.1,
) -> None:
    """Draw on axes what :func:`gibbs_triangle` says; ``sides`` aligns the names of the corners."""
    axes.fill(*CORNERS.T, fill=False, color="0.5", linewidth=1)
    points = dict[str, Any](markersize=2.5, alpha=0.5, rasterized=True)
    for name, colour in class_colours(name for name in known if (label == name).any()).items():
        x, y = (weight[label == name][:MOST] @ CORNERS).T
        axes.plot(x, y, ".", color=colour, label=class_label(name), **points)
    for k, (corner, side) in enumerate(zip(CORNERS, sides, strict=True)):
        axes.annotate(corners[k], corner, (0, -14 if k < 2 else 6), textcoords="offset points", ha=side)
    axes.set(aspect="equal", xlim=(-reach, 1 + reach))
    axes.axis("off")
    axes.legend(markerscale=4, loc="upper left")


def triangle_and_corners(found: xr.Dataset) -> Figure:
    """Draw the triangle, a point for each jet, with the image that each corner decodes to beside it.

    ``weight`` (jet, mixture), ``class_name`` (jet,) and ``decoded`` (mixture, eta, phi).
    """
    with house():
        figure = Figure(figsize=(6.8, 3.9))
        grid = figure.add_gridspec(3, 2, width_ratios=(3.6, 1))
        label, corners = np.asarray(found["class_name"]), [f"mixture {k}" for k in range(3)]
        known, sides = [str(name) for name in np.unique(label)], ("right", "left", "center")
        axes = figure.add_subplot(grid[:, 0])
        draw_triangle(axes, found["weight"].values, label, known, corners, sides, reach=0.14)
        norm = LogNorm(DARKEST, float(found["decoded"].max()))
        for k, name in enumerate(corners):
            panel = figure.add_subplot(grid[k, 1])
            drawn = draw_image(panel, found["decoded"].isel(mixture=k), norm)
            panel.tick_params(labelsize=6, labelbottom=k == 2)
            panel.locator_params(nbins=3)
            panel.set_title(name, fontsize=9)
        panel.set_xlabel(r"$\Delta\eta$", fontsize=8)
        figure.axes[2].set_ylabel(r"$\Delta\phi$ [rad]", fontsize=8)
        figure.colorbar(drawn, ax=figure.axes[1:], label="share of $p_T$", pad=0.03, aspect=35)
        make_legible(figure)
    return figure
