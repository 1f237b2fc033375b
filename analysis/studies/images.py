"""Average and decoded images, and their common figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.jets_and_latents import DARKEST
from analysis.studies.setup import Setup
from analysis.figures.style import IMAGE_MAP, house
from inference.data import data_for
from inference.run import Run


@torch.no_grad()
def corner_images(run: Run) -> NDArray[np.float32]:
    """Return the image that each corner of the simplex decodes to, ``(K, eta, phi)``, sum 1."""
    vae, pixels = run.vae(), run.recipe.image.pixels
    corners = torch.eye(vae.latent.features_size)
    return vae.decode(corners).mean.reshape(-1, pixels, pixels).numpy()


def average_images(run: Run, setup: Setup) -> NDArray[np.float32]:
    """Return the average image of the held-out jets of each class, ``(class, eta, phi)``."""
    test = setup.jets[run.split(setup.jets).test]
    pixels = run.recipe.image.pixels
    average = []
    for i in range(len(test.classes)):
        images = data_for(test[np.flatnonzero(test.label == i)[: setup.most]], run.recipe, torch.device("cpu"))
        average.append(images[torch.arange(len(images))].mean(0).reshape(pixels, pixels).numpy())
    return np.stack(average)


def axes_of(run: Run) -> dict[str, NDArray[np.floating]]:
    """Return the centres of the pixels along each axis."""
    pixels = run.recipe.image.pixels
    steps = zip(("eta", "phi"), run.recipe.image.width, strict=True)
    return {axis: (np.arange(pixels) + 0.5 - pixels / 2) * step for axis, step in steps}


def draw_images(columns: Sequence[Sequence[tuple[str, xr.DataArray]]]) -> Figure:
    """Draw titled images, a list for each column, on one logarithmic colour scale."""
    with house():
        figure = Figure(figsize=(1.9 * len(columns) + 0.9, 2.1 * len(columns[0]) + 0.3))
        grid = figure.subplots(len(columns[0]), len(columns), squeeze=False, sharex=True, sharey=True)
        norm = LogNorm(DARKEST, max(float(image.max()) for column in columns for _, image in column))
        for i, column in enumerate(columns):
            for j, (title, image) in enumerate(column):
                axes = grid[j, i]
                eta, phi = image["eta"].values, image["phi"].values
                extent = (
                    eta[0] * 1.5 - eta[1] / 2,
                    -(eta[0] * 1.5 - eta[1] / 2),
                    phi[0] * 1.5 - phi[1] / 2,
                    -(phi[0] * 1.5 - phi[1] / 2),
                )
                drawn = axes.imshow(
                    np.maximum(image.values.T, DARKEST), origin="lower", extent=extent, norm=norm, cmap=IMAGE_MAP
                )
                axes.set_title(title, fontsize=8)
                axes.tick_params(color="w", labelsize=7, which="both")
        figure.supxlabel(r"$\Delta\eta$", fontsize=9)
        figure.supylabel(r"$\Delta\phi$ [rad]", fontsize=9)
        figure.colorbar(drawn, ax=list(figure.axes), label="share of $p_T$", shrink=0.8)
    return figure
