"""Particle clouds: jets decoded along each latent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.measures.paths import informed_paths, step_title
from analysis.store import array, names

AREA = 2000.0
"""Area of a marker that holds a jet's whole pT [points^2]."""
COLUMNS = 5
"""Steps of a path that are drawn at most: of more every second, third, ... so that no row is longer than the others."""
FAINTEST = 0.005
"""Share of pT from which on a particle decides how far the panels reach."""


def cloud_traversals(tree: xr.DataTree) -> Figure:
    """Draw decoded jets along each latent, a path a row: each particle a disc whose area is its share of pT."""
    clouds = array(tree, "traversals/cloud")
    paths = {path: thinned(steps) for path, steps in informed_paths(tree, clouds).items()}
    columns = max(len(steps) for steps in paths.values())
    size, shape = (1.4 * columns + 0.9, 1.52 * len(paths) + 0.4), (len(paths), columns)
    return figure_of(draw_paths, clouds, paths, units_of(tree), size=size, grid=shape, share=(True, True))


def units_of(tree: xr.DataTree) -> dict[str, str]:
    """Return coordinate -> its unit, of those that have one."""
    if "guide_params" not in tree:
        return {}
    points = array(tree, "guide_params/point")
    units = zip(names(points, "coordinate"), names(points, "unit"), strict=True)
    return {name: unit for name, unit in units if unit}


def draw_paths(
    panels: np.ndarray, clouds: xr.DataArray, paths: dict[str, np.ndarray], units: Mapping[str, str]
) -> None:
    """Draw clouds (step, particle, column) on panels, a path a row; panels left over are removed."""
    place, share = abs(clouds.isel(column=slice(1, None))), clouds.isel(column=0)
    reach = 1.1 * float(place.where(share >= min(FAINTEST, float(share.max()))).max())
    for line, (path, steps) in zip(panels, paths.items(), strict=True):
        for axes, step in zip(line, steps, strict=False):
            draw_cloud(axes, np.asarray(clouds.isel(step=step)), reach)
            axes.set_title(step_title(path, names(clouds, "step")[step]), fontsize=8, pad=2)
        for axes in line[len(steps) :]:
            axes.remove()
        line[0].set_ylabel(f"{path} [{units[path]}]" if path in units else path, fontsize=9)
    panels[0, 0].figure.supxlabel(r"$\Delta\eta$", fontsize=9)
    panels[0, 0].figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)


def thinned(steps: np.ndarray) -> np.ndarray:
    """Return at most five of a path's steps, equally far apart.

    >>> thinned(np.arange(8)), thinned(np.arange(5))
    (array([0, 2, 4, 6]), array([0, 1, 2, 3, 4]))
    """
    return steps[:: -(-len(steps) // COLUMNS)]


def draw_cloud(axes: Axes, cloud: np.ndarray, reach: float) -> None:
    """Draw one cloud ``(particles, 3)`` within ``reach`` [rad] of the jet axis."""
    w, eta, phi = cloud.T
    axes.scatter(eta, phi, s=AREA * w, color=COLOURS[0], alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.locator_params(nbins=4)
    axes.tick_params(labelsize=6, which="both")
