"""The latents and scores of a run: how much each latent carries, and how the classes are spread along each."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import class_colours, class_label, figure_of
from analysis.store import array, class_names, classes, names

LEAST_REACH = 0.5
"""Half width of the narrowest histogram of a real coordinate, in standard deviations of a standard prior."""
MOST_SCORES = 12
"""Scores drawn."""


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
    for i, (name, colour) in enumerate(class_colours(known).items()):
        mine = values[label == name][:, order]
        error = mine.std(0) / math.sqrt(len(mine))
        place = np.arange(len(terms)) + (i - (len(known) - 1) / 2) * width
        axes.bar(place, mine.mean(0), width, yerr=error, color=colour, label=class_label(name))
    axes.set_xticks(np.arange(len(terms)), terms, rotation=0 if len(terms) < 9 else 60)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set(ylabel=r"mean KL$(q\,\|\,p)$ [nat]", xlabel="coordinate")
    columns = max(1, min(len(known), 4, 48 // max(map(len, known), default=1)))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.2)


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
    found = values[np.isfinite(values)]
    found = found if len(found) else np.zeros(1)
    low, high = bulk(found) if kind == "real" else (found.min(), found.max())
    if kind == "real":  # what hardly moves in units of its prior shall look so
        low, high = min(low, -LEAST_REACH), max(high, LEAST_REACH)
    if kind in ("simplex", "category"):
        low, high = 0.0, 1.0
    draw_by_class(axes, values, np.linspace(low, high if high > low else low + 1, 41), tree)


def draw_by_class(axes: Axes, values: np.ndarray, edges: np.ndarray, tree: xr.DataTree) -> None:
    """Draw the histogram of values (jet,) between edges, normalised for each class that has jets."""
    label = class_names(tree)
    known = [name for name in classes(tree) if (label == name).any()]
    for i, (name, colour) in enumerate(class_colours(known).items()):
        count, _ = np.histogram(values[label == name], edges)
        density = count / max(1, count.sum()) / np.diff(edges)
        alpha = 0.35 if i == 0 else 1.0
        title = class_label(name)
        axes.stairs(density, edges, color=colour, label=title, linewidth=1.5, fill=i == 0, alpha=alpha)


def score_histograms(tree: xr.DataTree) -> Figure:
    """Draw each score of the jets by class, normalised; without labels there is one class."""
    count = len(scored(tree))
    columns = min(4, count)
    rows = math.ceil(count / columns)
    return figure_of(draw_scores, tree, size=(2.6 * columns + 0.6, 2.4 * rows), grid=(rows, columns))


def scored(tree: xr.DataTree) -> list[str]:
    """Return the scores that some jet has, at most the first twelve."""
    values = array(tree, "scores/score_value")
    return [name for name in names(values, "score") if np.isfinite(values.sel(score=name)).any()][:MOST_SCORES]


def draw_scores(panels: np.ndarray, tree: xr.DataTree) -> None:
    """Draw on panels, one for each score, what :func:`score_histograms` says; panels left over are removed."""
    grid, known = panels.ravel(), scored(tree)
    for axes, name in zip(grid, known, strict=False):
        values = np.asarray(array(tree, "scores/score_value").sel(score=name), float)
        draw_by_class(axes, values, spread_over(values), tree)
        axes.set(xlabel=name, yticks=[])
    for axes in grid[len(known) :]:
        axes.remove()
    grid[0].legend()
    grid[0].set_ylabel("jets, normalised")


def bulk(values: np.ndarray) -> tuple[float, float]:
    """Return between which values all but the outermost 0.1 % on each side lie; of few values all.

    >>> bulk(np.array([3.0, 1.0]))
    (1.0, 3.0)
    """
    low, high = np.quantile(values, 0.001, method="lower"), np.quantile(values, 0.999, method="higher")
    return float(low), float(high)


def spread_over(values: np.ndarray) -> np.ndarray:
    """Return the edges of a histogram of all but the outermost 0.1 % of finite values, of one value about it.

    >>> spread_over(np.array([2.0, np.nan, 2.0]))[[0, -1]]
    array([1., 3.])
    """
    low, high = bulk(values[np.isfinite(values)])
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        middle, half = (low + high) / 2, max(0.5, abs(low) / 2)
        low, high = middle - half, middle + half
    return np.linspace(low, high, 41)
