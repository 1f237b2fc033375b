"""Average and decoded images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run


@torch.no_grad()
def corner_images(run: Run) -> NDArray[np.float32]:
    """Return the image that each corner of the simplex decodes to, ``(K, eta, phi)``, sum 1."""
    vae, pixels = run.vae, run.recipe.image.pixels
    corners = torch.eye(vae.latent.features_size)
    return vae.decode(corners).mean.reshape(-1, pixels, pixels).numpy()


def class_averages(run: Run, setup: Setup) -> NDArray[np.float32]:
    """Return the average image of the held-out jets of each class, ``(class, eta, phi)``."""
    test = setup.jets[run.split.test]
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
