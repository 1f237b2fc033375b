"""The latents of a run: how much each carries, and how the classes are spread along it."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.store import array, class_names, classes, names

LEAST_REACH = 0.5
"""Half width of the narrowest histogram of a real coordinate, in standard deviations of a standard prior."""


def kl_spectrum(tree: xr.DataTree) -> Figure:
    """Draw the mean KL [nat] of each coordinate by class, largest first."""
    terms = tree["information"].sizes["kl_term"]
    return figure_of(draw_kl_spectrum, tree, size=(max(3.6, 0.5 * terms + 2), 2.8))


def draw_kl_spectrum(axes: Axes, tree: xr.DataTree) -> None:
    """Draw on axes what :func:`kl_spectrum` says."""
    kl = array(tree, "information/kl")
    values, label = np.asarray(kl), class_names(tree)
    known = [name for name in classes(tree) if (label == name).any()]
    order = np.argsort(-values.mean(0))
    terms = [names(kl, "kl_term")[i] for i in order]
    width = 0.8 / len(known)
    for i, name in enumerate(known):
        mine = values[label == name][:, order]
        error = mine.std(0) / math.sqrt(len(mine))
        place = np.arange(len(terms)) + (i - (len(known) - 1) / 2) * width
        axes.bar(place, mine.mean(0), width, yerr=error, color=COLOURS[i], label=name)
    axes.set_xticks(np.arange(len(terms)), terms, rotation=0 if len(terms) < 9 else 60)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set(ylabel=r"mean KL$(q\,\|\,p)$ [nat]", xlabel="coordinate")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(known), borderaxespad=0.2)


def latent_histograms(tree: xr.DataTree) -> Figure:
    """Draw the posterior centre of each coordinate by class, normalised."""
    count = tree["guide_params"].sizes["coordinate"]
    columns = min(4, count)
    rows = math.ceil(count / columns)
    return figure_of(draw_histograms, tree, size=(2.6 * columns + 0.6, 2.4 * rows), grid=(rows, columns))


def draw_histograms(panels: np.ndarray, tree: xr.DataTree) -> None:
    """Draw on panels, one for each coordinate, what :func:`latent_histograms` says; panels left over are removed."""
    points, grid = array(tree, "guide_params/point"), panels.ravel()
    coordinates = names(points, "coordinate")
    for axes, name, kind, unit in zip(grid, coordinates, names(points, "kind"), names(points, "unit"), strict=False):
        draw_histogram(axes, np.asarray(points.sel(coordinate=name)), tree, kind)
        axes.set(xlabel=f"{name}{f' [{unit}]' if unit else ''}", yticks=[])
    for axes in grid[len(coordinates) :]:
        axes.remove()
    grid[0].legend()
    grid[0].set_ylabel("jets, normalised")


def draw_histogram(axes: Axes, values: np.ndarray, tree: xr.DataTree, kind: str) -> None:
    """Draw the histogram of one coordinate (jet,) of a kind, by class."""
    low, high = np.quantile(values, (0.001, 0.999)) if kind == "real" else (values.min(), values.max())
    if kind == "real":  # what hardly moves in units of its prior shall look so
        low, high = min(low, -LEAST_REACH), max(high, LEAST_REACH)
    if kind in ("simplex", "category"):
        low, high = 0.0, 1.0
    edges = np.linspace(low, high if high > low else low + 1, 41)
    for i, name in enumerate(name for name in classes(tree) if (class_names(tree) == name).any()):
        density, _ = np.histogram(values[class_names(tree) == name], edges, density=True)
        alpha = 0.35 if i == 0 else 1.0
        axes.stairs(density, edges, color=COLOURS[i], label=name, linewidth=1.5, fill=i == 0, alpha=alpha)
