"""Jet images: class averages and what is decoded, on one logarithmic colour scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from analysis.figures.style import DARKEST, IMAGE_MAP, class_label, figure_of
from analysis.store import array, names

Titled = tuple[str, xr.DataArray]
"""A title and an image (eta, phi)."""
LONGEST = 5
"""Images in a row of class averages and vertices."""


def jet_images(tree: xr.DataTree) -> Figure:
    """Draw the average image of each class and the decoded probes, a sweep a row; colour is the pixel's share of pT."""
    rows = [[(written(title), image) for title, image in row] for row in image_rows(tree)]
    columns = max(len(row) for row in rows)
    size = (2.2 * columns + 0.9, 2.6 * len(rows) + 0.2)
    return figure_of(draw_images, rows, size=size, grid=(len(rows), columns), share=(True, True))


def written(title: str) -> str:
    """Return a title with the name of its class as figures write it.

    >>> written("average qcd"), written("decoded L2_0")
    ('average QCD', 'decoded L2_0')
    """
    first, space, name = title.partition(" ")
    return first + space + class_label(name)


def image_columns(columns: Sequence[Sequence[Titled]]) -> Figure:
    """Draw columns of titled images, equally long."""
    rows = [list(row) for row in zip(*columns, strict=True)]
    size = (1.9 * len(columns) + 0.9, 2.1 * len(rows) + 0.3)
    shape = (len(rows), len(columns))
    return figure_of(draw_images, rows, size=size, grid=shape, share=(True, True), font=8, shrink=0.8)


def draw_images(
    panels: np.ndarray, rows: Sequence[Sequence[Titled]], font: float = 9, shrink: float | None = None
) -> None:
    """Draw rows of titled images on an array of panels; those left over are removed."""
    norm = LogNorm(DARKEST, max(10 * DARKEST, *(float(image.max()) for row in rows for _, image in row)))
    for line, row in zip(panels, rows, strict=True):
        for axes, (title, image) in zip(line, row, strict=False):
            drawn = draw_image(axes, image, norm)
            axes.set_title(title, fontsize=font)
        for axes in line[len(row) :]:
            axes.remove()
    figure = panels[0, 0].figure
    figure.supxlabel(r"$\Delta\eta$", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel(r"$\Delta\phi$ [rad]", fontsize=9)
    shrink = 0.9 / len(rows) ** 0.7 if shrink is None else shrink
    figure.colorbar(drawn, ax=list(figure.axes), label="share of $p_T$", shrink=shrink, pad=0.01, aspect=25)


def draw_image(axes: Axes, image: xr.DataArray, norm: LogNorm) -> AxesImage:
    """Draw one image (eta, phi) at its place."""
    left, right, bottom, top = (edge(image[axis], side) for axis in ("eta", "phi") for side in (0, -1))
    values, extent = np.maximum(np.asarray(image).T, DARKEST), (left, right, bottom, top)
    axes.tick_params(color="w", labelsize=7, which="both")
    axes.locator_params(nbins=5)
    return axes.imshow(values, origin="lower", extent=extent, norm=norm, cmap=IMAGE_MAP, aspect="equal")


def edge(axis: xr.DataArray, side: int) -> float:
    """Return the outer edge of the first (0) or last (-1) pixel along an axis of pixel centres."""
    step = float(axis[1] - axis[0])
    return float(axis[side]) + (step / 2 if side else -step / 2)


def image_rows(tree: xr.DataTree) -> list[list[Titled]]:
    """Return titles and images by row: averages of classes with jets and simplex vertices first, then a sweep a row."""
    average = array(tree, "images/average")
    pictured = [name for name in names(average, "class") if float(average.sel({"class": name}).sum()) > 0]
    first = [(f"average {name}" if len(pictured) > 1 else "average", average.sel({"class": name})) for name in pictured]
    if "decoded" not in tree["images"]:
        return [first]
    decoded = array(tree, "images/decoded")
    sweeps: dict[str, list[Titled]] = {}
    for i, (name, path) in enumerate(zip(names(decoded, "probe"), names(decoded, "path"), strict=True)):
        panel = (f"decoded {name}", decoded.isel(probe=i))
        if np.isnan(float(decoded["value"][i])):
            first.append(panel)
        else:
            sweeps.setdefault(path, []).append(panel)
    return [first[i : i + LONGEST] for i in range(0, len(first), LONGEST)] + list(sweeps.values())
