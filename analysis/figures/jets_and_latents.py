"""Pictures of a tree. Each function takes the DataTree and returns a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.store import array, class_names, classes, names
from analysis.measures.tagging import Estimate, roc, separate
from analysis.figures.style import COLOURS, IMAGE_MAP, house

DARKEST = 1e-5
"""Smallest pixel value that gets a colour."""
LEAST_REACH = 0.5
"""Half width of the narrowest histogram of a real coordinate, in standard deviations of a standard prior."""


def losses(history: xr.Dataset) -> Figure:
    """Draw loss, reconstruction and KL [nat per jet] (epoch,) against the epoch, for training and validation jets."""
    dots = "." if history.sizes["epoch"] < 4 else ""
    with house():
        figure = Figure(figsize=(7.2, 2.6))
        for axes, name in zip(figure.subplots(1, 3), ("loss", "reconstruction", "kl"), strict=True):
            axes.plot(history["epoch"], history[name], "-" + dots, label="training")
            if f"validation_{name}" in history:
                axes.plot(history["epoch"], history[f"validation_{name}"], "--" + dots, label="validation")
            title = {"loss": "-ELBO", "kl": "KL"}.get(name, name)
            axes.set(xlabel="epoch", ylabel=f"{title} [nat / jet]")
        figure.axes[0].legend()
    return figure


def kl_spectrum(tree: xr.DataTree) -> Figure:
    """Draw the mean KL [nat] of each coordinate by class, largest first."""
    kl = array(tree, "information/kl")
    values, label, known = np.asarray(kl), class_names(tree), classes(tree)
    order = np.argsort(-values.mean(0))
    terms = [names(kl, "kl_term")[i] for i in order]
    with house():
        figure = Figure(figsize=(max(3.6, 0.5 * len(terms) + 2), 2.8))
        axes = figure.subplots()
        width = 0.8 / len(known)
        for i, name in enumerate(known):
            mine = values[label == name][:, order]
            error = mine.std(0) / math.sqrt(max(1, len(mine)))
            place = np.arange(len(terms)) + (i - (len(known) - 1) / 2) * width
            axes.bar(place, mine.mean(0), width, yerr=error, color=COLOURS[i], label=name)
        axes.set_xticks(np.arange(len(terms)), terms, rotation=0 if len(terms) < 9 else 60)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(ylabel=r"mean KL$(q\,\|\,p)$ [nat]", xlabel="coordinate")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(known), borderaxespad=0.2)
    return figure


def latent_histograms(tree: xr.DataTree) -> Figure:
    """Draw the posterior centre of each coordinate by class, normalised."""
    points = array(tree, "guide_params/point")
    coordinates = names(points, "coordinate")
    columns = min(4, len(coordinates))
    rows = math.ceil(len(coordinates) / columns)
    with house():
        figure = Figure(figsize=(2.6 * columns + 0.6, 2.4 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name, kind in zip(grid, coordinates, names(points, "kind"), strict=False):
            _histogram(axes, np.asarray(points.sel(coordinate=name)), tree, kind)
            axes.set(xlabel=f"{name}{' [rad]' if kind == 'angle' else ''}", yticks=[])
        for axes in grid[len(coordinates) :]:
            axes.remove()
        grid[0].legend()
        grid[0].set_ylabel("jets, normalised")
    return figure


def _histogram(axes: Axes, values: np.ndarray, tree: xr.DataTree, kind: str) -> None:
    low, high = np.quantile(values, (0.001, 0.999)) if kind == "real" else (values.min(), values.max())
    if kind == "real":  # what hardly moves in units of its prior shall look so
        low, high = min(low, -LEAST_REACH), max(high, LEAST_REACH)
    if kind in ("simplex", "category"):
        low, high = 0.0, 1.0
    edges = np.linspace(low, high if high > low else low + 1, 41)
    for i, name in enumerate(classes(tree)):
        density, _ = np.histogram(values[class_names(tree) == name], edges, density=True)
        alpha = 0.35 if i == 0 else 1.0
        axes.stairs(density, edges, color=COLOURS[i], label=name, linewidth=1.5, fill=i == 0, alpha=alpha)


def roc_curves(tree: xr.DataTree, signal: str, auc: Mapping[str, Estimate], most: int = 6) -> Figure:
    """Draw background rejection 1/eps_B against signal efficiency eps_S for the ``most`` best scores by ``auc``."""
    positive, negative = separate(tree, signal)
    table = sorted(auc.items(), key=lambda item: -item[1].value)
    with house():
        figure = Figure(figsize=(4.6, 3.6))
        axes = figure.subplots()
        for name, estimate in table[:most]:
            curve = roc(np.asarray(positive.sel(score=name)), np.asarray(negative.sel(score=name)))
            kept = curve.background * negative.sizes["jet"] >= 10  # fewer jets say little
            x, y = curve.signal[kept], 1 / curve.background[kept]
            thin = np.unique(np.searchsorted(x, np.linspace(0.02, 1, 200)).clip(max=len(x) - 1))
            axes.plot(x[thin], y[thin], label=f"{name}: {estimate.value:.3f} $\\pm$ {estimate.error:.3f}")
        grid = np.linspace(0.02, 1, 100)
        axes.plot(grid, 1 / grid, ":", color="0.5", label="chance")
        axes.set(
            xlabel=rf"$\epsilon_S$ ({signal})", ylabel=r"$1/\epsilon_B$", yscale="log", xlim=(0, 1), ylim=(1, None)
        )
        axes.legend(title="score: AUC", fontsize=8)
    return figure


def jet_images(tree: xr.DataTree) -> Figure:
    """Draw the average image of each class and the decoded probes, a sweep a row; colour is the pixel's share of pT."""
    average = array(tree, "images/average")
    rows = image_rows(tree)
    columns = max(len(row) for row in rows)
    extent = [_edge(average[axis], side) for axis in ("eta", "phi") for side in (0, -1)]
    norm = LogNorm(DARKEST, max(float(panel.max()) for row in rows for _, panel in row))
    with house():
        figure = Figure(figsize=(2.2 * columns + 0.9, 2.6 * len(rows) + 0.2))
        grid = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
        for line, row in zip(grid, rows, strict=True):
            for axes, (title, panel) in zip(line, row, strict=False):
                values = np.maximum(np.asarray(panel).T, DARKEST)
                drawn = axes.imshow(values, origin="lower", extent=extent, norm=norm, cmap=IMAGE_MAP, aspect="equal")
                axes.set_title(title, fontsize=9)
                axes.tick_params(color="w", labelsize=7, which="both")
            for axes in line[len(row) :]:
                axes.remove()
        figure.supxlabel(r"$\Delta\eta$", fontsize=9)
        figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)
        figure.colorbar(drawn, ax=list(figure.axes), label="share of $p_T$", shrink=0.8 / len(rows) ** 0.7)
    return figure


def image_rows(tree: xr.DataTree) -> list[list[tuple[str, xr.DataArray]]]:
    """Return titles and images by row: class averages and simplex vertices first, then one sweep a row."""
    average = array(tree, "images/average")
    first = [(f"average {name}", average.sel({"class": name})) for name in names(average, "class")]
    if "decoded" not in tree["images"]:
        return [first]
    decoded = array(tree, "images/decoded")
    sweeps: dict[str, list[tuple[str, xr.DataArray]]] = {}
    for name in names(decoded, "probe"):
        panel = (f"decoded {name}", decoded.sel(probe=name))
        if " = " in name:
            sweeps.setdefault(name.split(" = ")[0], []).append(panel)
        else:
            first.append(panel)
    return [first[i : i + 5] for i in range(0, len(first), 5)] + list(sweeps.values())


def _edge(axis: xr.DataArray, side: int) -> float:
    step = float(axis[1] - axis[0])
    return float(axis[side]) + (step / 2 if side else -step / 2)


CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]])
"""Where the pure mixtures of a Gibbs triangle lie."""


def gibbs_triangle(tree: xr.DataTree, corners: Sequence[str], most: int = 1500) -> Figure:
    """Draw each jet at its weights of the three coordinates ``corners``; at most so many of each class."""
    points, label = array(tree, "guide_params/point").sel(coordinate=list(corners)), class_names(tree)
    with house():
        figure = Figure(figsize=(4.6, 4.0))
        axes = figure.subplots()
        axes.fill(*CORNERS.T, fill=False, color="0.5", linewidth=1)
        for colour, name in zip(COLOURS, classes(tree), strict=False):
            x, y = (np.asarray(points)[label == name][:most] @ CORNERS).T
            axes.plot(x, y, ".", color=colour, markersize=2.5, alpha=0.5, label=name, rasterized=True)
        for k, corner in enumerate(CORNERS):
            axes.annotate(corners[k], corner, (0, -14 if k < 2 else 6), textcoords="offset points", ha="center")
        axes.set(aspect="equal", xlim=(-0.1, 1.1))
        axes.axis("off")
        axes.legend(markerscale=4, loc="upper left")
    return figure
