"""Predictions in few numbers for ArviZ: observed jets, those drawn from their posteriors, and those of the prior."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.measures.arviz_groups import UNITS, described
from inference.recipe import Recipe
from models import VAE
from models.registration import unregistered

DECODED = "decoded means, since this likelihood is a metric, from which no jet can be drawn"
DRAWN = "drawn from the likelihood"


@torch.no_grad()
def predictions(vae: VAE, recipe: Recipe, x: Tensor, number: NDArray[np.integer], draws: int) -> dict[str, xr.Dataset]:
    """Return ``observed_data`` (jet, ..), ``posterior_predictive`` and ``prior_predictive`` (chain, draw, jet, ..).

    Of images and clouds ``width`` [rad] and ``core``, see :func:`analysis.measures.arviz_groups.described`; of vectors
    ``length`` and ``x`` (.., component). Prior: as many jets as are observed, each with latents of its own. Attribute
    ``kind`` says whether jets are drawn from the likelihood, or decoded where it is a metric.
    """
    found: list[tuple[dict[str, NDArray], dict[str, NDArray]]] = []
    kinds = set()
    with pyro.validation_enabled(False), unregistered():
        for _ in range(draws):
            pair = [drawn(vae, z) for z in (vae.guide(x), from_prior(vae, len(x)))]
            found.append((in_numbers(recipe, pair[0][0]), in_numbers(recipe, pair[1][0])))
            kinds |= {kind for _, kind in pair}
    chains = (labelled(recipe, list(each), number) for each in zip(*found, strict=True))
    named = dict(zip(("posterior_predictive", "prior_predictive"), chains, strict=True))
    observed = labelled(recipe, [in_numbers(recipe, x)], number).isel(chain=0, draw=0, drop=True)
    return {"observed_data": observed} | {
        name: each.assign_attrs(kind=", ".join(kinds)) for name, each in named.items()
    }


def drawn(vae: VAE, z: Any) -> tuple[Tensor, str]:
    """Return jets ``(B, ...)`` drawn from p(x|z), or decoded where it is a metric, and which of the two."""
    likelihood = vae.decode(vae.latent.features(z))
    try:
        return likelihood.sample(), DRAWN
    except NotImplementedError:
        return likelihood.mean, DECODED


def from_prior(vae: VAE, count: int) -> Any:
    """Draw the latents of so many jets from the prior."""
    with pyro.plate("jets", count):
        return vae.latent.sample_prior()


def in_numbers(recipe: Recipe, x: Tensor) -> dict[str, NDArray]:
    """Return what is predicted of jets x ``(B, ...)``."""
    values = x.numpy().astype(np.float64)
    if recipe.model.clouds:
        return described(*np.moveaxis(values, -1, 0))
    if recipe.model.inputs:
        return {"length": np.sqrt((values**2).sum(-1)), "x": values}
    side = recipe.image.pixels
    axes = [(np.arange(side) + 0.5 - side / 2) * step for step in recipe.image.width]
    eta, phi = (grid.ravel() for grid in np.meshgrid(*axes, indexing="ij"))
    return described(values, eta, phi)


def labelled(recipe: Recipe, found: list[dict[str, NDArray]], number: NDArray[np.integer]) -> xr.Dataset:
    """Return draws of jets of these numbers with names and units, one chain."""
    values = {name: np.stack([each[name] for each in found])[None] for name in found[0]}
    coords = {"chain": [0], "draw": np.arange(len(found)), "jet": number}
    if recipe.model.inputs:
        coords["component"] = np.arange(values["x"].shape[-1])
    dims = ("chain", "draw", "jet", "component")
    variables = {name: (dims[: value.ndim], value, {"units": UNITS[name]}) for name, value in values.items()}
    return xr.Dataset(variables, coords)
