"""Particle clouds: jets decoded along each latent."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.measures.paths import informed_paths, step_title
from analysis.store import array, names

AREA = 900.0
"""Area of a marker that holds a jet's whole pT [points^2]."""


def cloud_traversals(tree: xr.DataTree) -> Figure:
    """Draw decoded jets along each latent, a path a row: each particle a disc whose area is its share of pT."""
    clouds = array(tree, "traversals/cloud")
    paths = informed_paths(tree, clouds)
    columns = max(len(steps) for steps in paths.values())
    size, shape = (1.25 * columns + 1.0, 1.4 * len(paths) + 0.5), (len(paths), columns)
    return figure_of(draw_paths, clouds, paths, size=size, grid=shape, share=(True, True))


def draw_paths(panels: np.ndarray, clouds: xr.DataArray, paths: dict[str, np.ndarray]) -> None:
    """Draw clouds (step, particle, column) on panels, a path a row; panels left over are removed."""
    reach = 1.1 * float(abs(clouds.isel(column=slice(1, None))).max())
    for line, (path, steps) in zip(panels, paths.items(), strict=True):
        for axes, step in zip(line, steps, strict=False):
            draw_cloud(axes, np.asarray(clouds.isel(step=step)), reach)
            axes.set_title(step_title(path, names(clouds, "step")[step]), fontsize=8, pad=2)
        for axes in line[len(steps) :]:
            axes.remove()
        line[0].set_ylabel(path, fontsize=9)
    panels[0, 0].figure.supxlabel(r"$\Delta\eta$", fontsize=9)
    panels[0, 0].figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)


def draw_cloud(axes: Axes, cloud: np.ndarray, reach: float) -> None:
    """Draw one cloud ``(particles, 3)`` within ``reach`` [rad] of the jet axis."""
    w, eta, phi = cloud.T
    axes.scatter(eta, phi, s=AREA * w, color=COLOURS[0], alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.locator_params(nbins=4)
    axes.tick_params(labelsize=6, which="both")
