"""Pictures of a tree. Each function takes the DataTree and returns a matplotlib figure."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.scores import auc_table, roc, separate
from analysis.style import COLOURS, IMAGE_MAP, house

DARKEST = 1e-5
"""Smallest pixel value that gets a colour."""


def losses(tree: xr.DataTree) -> Figure:
    """Draw loss, reconstruction and KL [nat per jet] against the epoch, for training and validation jets."""
    history = tree["history"]
    with house():
        figure = Figure(figsize=(7.2, 2.6))
        for axes, name in zip(figure.subplots(1, 3), ("loss", "reconstruction", "kl"), strict=True):
            axes.plot(history["epoch"], history[name], label="training")
            if f"validation_{name}" in history:
                axes.plot(history["epoch"], history[f"validation_{name}"], "--", label="validation")
            title = {"loss": "-ELBO", "kl": "KL"}.get(name, name)
            axes.set(xlabel="epoch", ylabel=f"{title} [nat / jet]")
        figure.axes[0].legend()
    return figure


def kl_spectrum(tree: xr.DataTree) -> Figure:
    """Draw the mean KL [nat] of each coordinate by class, largest first."""
    kl = tree["information"]["kl"]
    order = np.argsort(-kl.mean("jet").values)
    terms = kl["kl_term"].values[order]
    classes = _classes(tree)
    with house():
        figure = Figure(figsize=(max(3.6, 0.5 * len(terms) + 2), 2.8))
        axes = figure.subplots()
        width = 0.8 / len(classes)
        for i, name in enumerate(classes):
            mine = kl.values[tree["constant_data"]["class_name"].values == name][:, order]
            error = mine.std(0) / math.sqrt(max(1, len(mine)))
            place = np.arange(len(terms)) + (i - (len(classes) - 1) / 2) * width
            axes.bar(place, mine.mean(0), width, yerr=error, color=COLOURS[i], label=name)
        axes.set_xticks(np.arange(len(terms)), terms, rotation=0 if len(terms) < 9 else 60)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(ylabel=r"mean KL$(q\,\|\,p)$ [nat]", xlabel="coordinate")
        axes.legend()
    return figure


def latent_histograms(tree: xr.DataTree) -> Figure:
    """Draw the posterior centre of each coordinate by class, normalised."""
    points = tree["guide_params"]["point"]
    names, kinds = points["coordinate"].values, points["kind"].values
    columns = min(4, len(names))
    rows = math.ceil(len(names) / columns)
    with house():
        figure = Figure(figsize=(2.6 * columns + 0.6, 2.4 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name, kind, values in zip(grid, names, kinds, points.values.T, strict=False):
            _histogram(axes, values, tree, kind)
            axes.set(xlabel=f"{name}{' [rad]' if kind == 'angle' else ''}", yticks=[])
        for axes in grid[len(names) :]:
            axes.remove()
        grid[0].legend()
        grid[0].set_ylabel("jets, normalised")
    return figure


def _histogram(axes: Axes, values: np.ndarray, tree: xr.DataTree, kind: str) -> None:
    low, high = np.quantile(values, (0.001, 0.999)) if kind == "real" else (values.min(), values.max())
    if kind in ("simplex", "category"):
        low, high = 0.0, 1.0
    bins = np.linspace(low, high if high > low else low + 1, 41)
    for i, name in enumerate(_classes(tree)):
        mine = values[tree["constant_data"]["class_name"].values == name]
        style = {"histtype": "stepfilled", "alpha": 0.3} if i == 0 else {"histtype": "step", "linewidth": 1.5}
        axes.hist(mine, bins, density=True, color=COLOURS[i], label=name, **style)


def roc_curves(tree: xr.DataTree, signal: str, most: int = 6) -> Figure:
    """Draw background rejection 1/eps_B against signal efficiency eps_S for the ``most`` best scores."""
    positive, negative = separate(tree, signal)
    table = sorted(auc_table(tree, signal).items(), key=lambda item: -item[1].value)
    with house():
        figure = Figure(figsize=(4.6, 3.6))
        axes = figure.subplots()
        for name, estimate in table[:most]:
            curve = roc(positive.sel(score=name).values, negative.sel(score=name).values)
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
    """Draw the average image of each class and the decoded probes; colour is the pixel's share of pT."""
    images = tree["images"]
    panels = [(f"average {name}", images["average"].sel({"class": name})) for name in images["class"].values]
    panels += [(f"decoded {name}", images["decoded"].sel(probe=name)) for name in images["probe"].values]
    columns = min(5, len(panels))
    rows = math.ceil(len(panels) / columns)
    extent = [_edge(images["eta"], 0), _edge(images["eta"], -1), _edge(images["phi"], 0), _edge(images["phi"], -1)]
    norm = LogNorm(DARKEST, max(float(panel.max()) for _, panel in panels))
    with house():
        figure = Figure(figsize=(1.9 * columns + 0.8, 2.1 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, panel) in zip(grid, panels, strict=False):
            values = np.maximum(panel.values.T, DARKEST)
            drawn = axes.imshow(values, origin="lower", extent=extent, norm=norm, cmap=IMAGE_MAP, aspect="equal")
            axes.set_title(title, fontsize=9)
            axes.tick_params(color="w", labelsize=7, which="both")
            axes.label_outer()
        for axes in grid[len(panels) :]:
            axes.remove()
        figure.supxlabel(r"$\Delta\eta$", fontsize=9)
        figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)
        figure.colorbar(drawn, ax=list(grid[: len(panels)]), label="share of $p_T$", shrink=0.8)
    return figure


def _edge(axis: xr.DataArray, side: int) -> float:
    step = float(axis[1] - axis[0])
    return float(axis[side]) + (step / 2 if side else -step / 2)


def _classes(tree: xr.DataTree) -> list[str]:
    return [str(name) for name in np.atleast_1d(tree.attrs["classes"])]
