"""One latent dimension over a training: separation of the classes, bi-modality, and the latent itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import IMAGE_MAP, LINES, class_colours, class_label, figure_of

EDGES = np.linspace(0, 1, 41)
"""Of the histograms that are drawn."""
ROWS = ("max(AUC, 1 - AUC)", "bi-modality", "latent, one seed", "jets, normalised")


def stability_panels(found: xr.Dataset, titles: Mapping[str, str]) -> Figure:
    """Draw separation and bi-modality (model, seed, epoch), a line for each seed, and one seed's ``latent``.

    ``titles`` is model -> its title.
    """
    models = found.sizes["model"]
    size = (2.3 * models + 0.4, 7.6)
    return figure_of(draw_stability, found, titles, size=size, grid=(4, models), share=(False, "row"))


def draw_stability(panels: np.ndarray, found: xr.Dataset, titles: Mapping[str, str]) -> None:
    """Draw on panels ``(4, models)`` what :func:`stability_panels` says."""
    for colour, column, model in zip(LINES, panels.T, found["model"].values, strict=False):
        draw_model(column, found.sel(model=model), colour)
        column[0].set(title=titles[str(model)], ylim=(0.48, 1))
    for axes, label in zip(panels[:, 0], ROWS, strict=True):
        axes.set_ylabel(label)
    panels[3, 0].legend()


def draw_model(column: np.ndarray, mine: xr.Dataset, colour: str) -> None:
    """Draw on four panels the numbers of one model, and the latent of the seed of median bi-modality."""
    for axes, name in zip(column, ("separation", "bimodality"), strict=False):
        axes.plot(mine["epoch"], mine[name].T, color=colour, linewidth=0.8, alpha=0.8)
    seed = int(np.argsort(mine["bimodality"].isel(epoch=-1).values)[mine.sizes["seed"] // 2])
    latent = rescaled(mine["latent"].isel(seed=seed).values)
    draw_epochs(column[2], mine["epoch"].values, latent)
    draw_classes(column[3], latent[-1], np.asarray(mine["class_name"]))
    for axes in column[:3]:
        axes.set_xlim(0, float(mine["epoch"][-1]))
        axes.locator_params(axis="x", nbins=3)  # the last number of one panel must not meet the first of the next
    column[2].set_xlabel("epoch")
    column[3].set_xlabel(f"latent of seed {seed}, at the end")


def rescaled(values: NDArray) -> NDArray:
    """Return latents (epoch, jet) with their central 99 % at the end on [0, 1]."""
    low, high = np.quantile(values[-1], (0.005, 0.995))
    return (values - low) / max(high - low, 1e-12)


def draw_epochs(axes: Axes, epochs: NDArray, latent: NDArray) -> None:
    """Draw the histogram of the latent (epoch, jet) against the epoch, each with a largest bin of one."""
    counts = np.stack([np.histogram(row, EDGES)[0] for row in latent], 1)
    axes.pcolormesh(
        epochs, (EDGES[1:] + EDGES[:-1]) / 2, counts / np.maximum(counts.max(0), 1), cmap=IMAGE_MAP, rasterized=True
    )
    axes.tick_params(color="w", which="both")


def draw_classes(axes: Axes, latent: NDArray, names: NDArray) -> None:
    """Draw the histogram of the latent (jet,) of each class."""
    for name, colour in class_colours(map(str, dict.fromkeys(names))).items():
        density, _ = np.histogram(latent[names == name], EDGES, density=True)
        axes.stairs(density, EDGES, color=colour, label=class_label(name), linewidth=1.4)
    axes.set(yticks=[])
