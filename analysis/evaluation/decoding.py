"""What a run decodes along each of its latents, beside the averages of its jets: groups of the DataTree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluation.draws import BATCH
from analysis.evaluation.traversals import COARSE, FINE, Step, Steps, traversals
from inference.data import Data, JetData
from jets import Jets
from models import VAE


def typical(elbo: NDArray[np.floating]) -> int:
    """Return the jet whose bound is the median one."""
    return int(np.argsort(elbo)[len(elbo) // 2])


@torch.no_grad()
def decoded(vae: VAE, data: Data, jets: Jets, number: int) -> dict[str, xr.Dataset]:
    """Return what is decoded along each latent of jet ``number``, as ``images`` or ``traversals``; class averages.

    ``slides``, image (step, eta, phi) or cloud (step, particle, column), holds the same in finer steps.
    """
    if not isinstance(data, JetData):
        return {}
    x = data[torch.tensor([number])]
    z = first_jet(vae.guide(x))
    average = average_images(data, jets)
    steps, mean = decoded_along(vae, x, z, COARSE)
    slide_steps, slide_mean = decoded_along(vae, x, z, FINE)
    if x.dim() == 3:
        columns = {"column": ["share of pT", "eta", "phi"]}
        cloud = ("step", "particle", "column")
        parts = {"cloud": (cloud, mean.numpy()), "jet": (("constituent", "column"), x[0].numpy())}
        return {
            "images": average,
            "traversals": xr.Dataset(parts, columns | step_labels(steps, "step")),
            "slides": xr.Dataset({"cloud": (cloud, slide_mean.numpy())}, columns | step_labels(slide_steps, "step")),
        }
    axes = (average.sizes["eta"], average.sizes["phi"])
    pictures, slides = (value.reshape(len(value), *axes).numpy() for value in (mean, slide_mean))
    return {
        "images": average.assign(decoded=(("probe", "eta", "phi"), pictures)).assign_coords(
            step_labels(steps, "probe")
        ),
        "slides": xr.Dataset({"image": (("step", "eta", "phi"), slides)}, step_labels(slide_steps, "step")),
    }


def decoded_along(vae: VAE, x: Tensor, z: Any, steps: Steps) -> tuple[list[Step], Tensor]:
    """Return all steps from the draw z of jet x ``(1, ...)``, and what is decoded there, ``(steps, ...)``."""
    found, points = traversals(vae.latent, z, steps)
    return found, vae.decode(points).mean if found else x.new_empty(0, *x.shape[1:])


def step_labels(steps: Sequence[Step], dimension: str) -> dict[str, object]:
    """Return the labels of steps along a dimension: name, path, value, factor, coordinate_name."""
    return {
        dimension: [step.name for step in steps],
        "path": (dimension, [step.path for step in steps]),
        "value": (dimension, [step.value for step in steps]),
        "factor": (dimension, [step.factor for step in steps]),
        "coordinate_name": (dimension, [step.coordinate for step in steps]),
    }


def first_jet(z: Any) -> Any:
    """Return the first jet of a batch of draws, label -> value."""
    return {label: first_jet(value) if isinstance(value, dict) else value[0] for label, value in z.items()}


def average_images(images: JetData, jets: Jets) -> xr.Dataset:
    """Return the ``average`` image of each class, ``(class, eta, phi)``."""
    pixels = images.config.pixels
    sums = torch.zeros(len(jets.classes), pixels * pixels, dtype=torch.float64)
    label = torch.as_tensor(jets.label)
    for rows in torch.arange(len(images)).split(BATCH):
        sums.index_add_(0, label[rows], images.picture(images.constituents[rows]).double())
    counts = torch.bincount(label, minlength=len(jets.classes)).clamp(min=1)[:, None]
    axes = {
        axis: (np.arange(pixels) + 0.5 - pixels / 2) * step
        for axis, step in zip(("eta", "phi"), images.config.width, strict=True)
    }
    average = (sums / counts).float().unflatten(-1, (pixels, pixels)).numpy()
    return xr.Dataset({"average": (("class", "eta", "phi"), average)}, {"class": list(jets.classes), **axes})
