"""Pictures of what latents mean: jets along each latent, and the map of correlations with observables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.store import array, names
from analysis.figures.style import COLOURS, house

ALIVE = 0.1
"""Mean KL [nat] from which a coordinate is drawn."""
MOST = 8
"""Rows of a figure of traversals, those of most KL."""
AREA = 900.0
"""Area of a marker that holds a jet's whole pT [points^2]."""


def cloud_traversals(tree: xr.DataTree) -> Figure:
    """Draw decoded jets along each latent, a path a row: each particle a disc whose area is its share of pT."""
    clouds = array(tree, "traversals/cloud")
    rows = chosen_paths(tree)
    columns = max(len(steps) for steps in rows.values())
    reach = 1.1 * float(abs(clouds.isel(column=slice(1, None))).max())
    with house():
        figure = Figure(figsize=(1.25 * columns + 1.0, 1.4 * len(rows) + 0.5))
        grid = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
        for line, (path, steps) in zip(grid, rows.items(), strict=True):
            for axes, step in zip(line, steps, strict=False):
                scatter(axes, np.asarray(clouds.sel(step=step)), reach)
                axes.set_title(step.removeprefix(path).strip(" _="), fontsize=8, pad=2)
            for axes in line[len(steps) :]:
                axes.remove()
            line[0].set_ylabel(path, fontsize=9)
        figure.supxlabel(r"$\Delta\eta$", fontsize=9)
        figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)
    return figure


def scatter(axes: Axes, cloud: np.ndarray, reach: float) -> None:
    """Draw one cloud ``(particles, 3)`` within ``reach`` [rad] of the jet axis."""
    w, eta, phi = cloud.T
    axes.scatter(eta, phi, s=AREA * w, color=COLOURS[0], alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.locator_params(nbins=4)
    axes.tick_params(labelsize=6, which="both")


def chosen_paths(tree: xr.DataTree) -> dict[str, list[str]]:
    """Return path -> names of its steps, for the paths of a figure."""
    return informed_paths(tree, names(array(tree, "traversals/cloud"), "step"))


def informed_paths(tree: xr.DataTree, steps: Sequence[str]) -> dict[str, list[str]]:
    """Return path -> names of its steps, for the paths that carry information, the most first."""
    kl = array(tree, "information/kl").mean("jet")
    nats = dict(zip(names(kl, "kl_term"), np.asarray(kl).tolist(), strict=True))
    paths: dict[str, list[str]] = {}
    for step in steps:
        paths.setdefault(path_of(step), []).append(step)
    informed = {
        path: sum(v for name, v in nats.items() if name == owner(path) or name.startswith(f"{owner(path)}_"))
        for path in paths
    }
    order = sorted(paths, key=lambda path: -informed[path])
    alive = [path for path in order if informed[path] >= ALIVE][:MOST]
    if not any(informed.values()):  # of a plain autoencoder
        alive = order[:MOST]
    return {path: paths[path] for path in alive or order[:1]}


def path_of(step: str) -> str:
    """Return the path that a step belongs to.

    >>> path_of("R4_0 = -2"), path_of("C2_1"), path_of("D3_0 to _1 = 0.5")
    ('R4_0', 'C2', 'D3_0 to _1')
    """
    return step.split(" = ")[0] if " = " in step else step.rpartition("_")[0]


def owner(path: str) -> str:
    """Return the coordinate that a path follows, the factor of an edge.

    >>> owner("R4_0"), owner("D3_0 to _1")
    ('R4_0', 'D3')
    """
    start, along, _ = path.partition(" to _")
    return start.rpartition("_")[0] if along else start


def meaning_map(found: xr.Dataset, kl: xr.DataArray) -> Figure:
    """Draw the correlation of each coordinate with each observable; coordinates by falling KL [nat], ``(coordinate,)``.

    ``found`` is one sample of :func:`analysis.measures.meaning.meaning`. Framed: the observable of most mutual information.
    """
    order = np.argsort(-np.asarray(kl))
    if (kl >= ALIVE).any():
        order = order[np.asarray(kl)[order] >= ALIVE]
    elif kl.any():  # else of a plain autoencoder, all of whose coordinates are drawn
        order = order[:1]
    values = found["correlation"].isel(coordinate=order)
    values = values.dropna("observable", how="all")
    coordinates, observed = names(values, "coordinate"), names(values, "observable")
    best = [observed.index(str(name)) if str(name) in observed else -1 for name in found["best"].values[order]]
    with house():
        figure = Figure(figsize=(0.46 * len(observed) + 2.4, 0.34 * len(coordinates) + 1.9))
        axes = figure.subplots()
        drawn = axes.imshow(np.asarray(values), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        for i, row in enumerate(np.asarray(values)):
            for j, value in enumerate(row):
                if abs(value) >= 0.1:
                    ink = "#ffffff" if abs(value) > 0.6 else "#111111"
                    axes.text(
                        j, i, f"{value:.2f}".replace("0.", "."), ha="center", va="center", fontsize=6.5, color=ink
                    )
        axes.scatter(best, range(len(best)), s=230, marker="s", facecolors="none", edgecolors="#111111", linewidths=1.2)
        axes.set_xticks(range(len(observed)), observed, rotation=50, ha="right", fontsize=8)
        labels = [f"{name}  {float(kl.sel(coordinate=name)):.1f} nat" for name in coordinates]
        axes.set_yticks(range(len(coordinates)), labels, fontsize=8)
        axes.tick_params(which="both", length=0)
        figure.colorbar(drawn, ax=axes, label="correlation")
    return figure
