"""What a run decodes along each of its latents, beside the averages of its jets: groups of the DataTree."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.draws import BATCH
from analysis.traversals import traversals
from inference.data import Images
from jets import Jets
from models import VAE


def typical(elbo: NDArray[np.floating]) -> int:
    """Return the jet whose bound is the median one."""
    return int(np.argsort(elbo)[len(elbo) // 2])


@torch.no_grad()
def decoded(vae: VAE, images: Images, jets: Jets, number: int) -> dict[str, xr.Dataset]:
    """Return what is decoded along each latent of jet ``number``, as ``images`` or ``traversals``; class averages."""
    if jets.are_vectors:
        return {}
    x = images[torch.tensor([number])]
    names, points = traversals(vae.latent, first_jet(vae.guide(x)))
    mean = vae.decode(points).mean if names else x.new_empty(0, *x.shape[1:])
    average = average_images(images, jets)
    if x.dim() == 3:
        columns = {"step": names, "column": ["share of pT", "eta", "phi"]}
        parts = {
            "cloud": (("step", "particle", "column"), mean.numpy()),
            "jet": (("constituent", "column"), x[0].numpy()),
        }
        return {"images": average, "traversals": xr.Dataset(parts, columns)}
    pictures = mean.reshape(len(names), average.sizes["eta"], average.sizes["phi"]).numpy()
    return {"images": average.assign(decoded=(("probe", "eta", "phi"), pictures)).assign_coords(probe=names)}


def first_jet(z: Any) -> Any:
    """Return the first jet of a batch of draws, label -> value."""
    return {label: first_jet(value) if isinstance(value, dict) else value[0] for label, value in z.items()}


def average_images(images: Images, jets: Jets) -> xr.Dataset:
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
