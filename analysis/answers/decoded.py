"""Jets, images and vectors that a run decodes: of given jets, from its prior, along its latents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from pyro import poutine
from torch import Tensor

from analysis.evaluation.centred import MostProbable
from analysis.evaluation.decoding import first_jet
from analysis.evaluation.draws import BATCH
from analysis.evaluation.traversals import Steps, traversals
from inference.data import Data
from inference.labels import coordinate_labels
from inference.recipe import Recipe
from jets import Jets
from jets.axis import APART
from jets.errors import UserError
from jets.notes import first, say
from models import AE, VAE
from models.registration import unregistered
from priors import Space

WIDEST = 2.5
"""A path along a real coordinate goes from minus to plus so many."""


class Wish(NamedTuple):
    """What is to be generated: see :meth:`analysis.answers.opened.OpenRun.generate`."""

    n: int
    component: int | Mapping[str, int] | None = None
    along: str | None = None
    jet: Tensor | None = None
    noise: bool = False


@torch.no_grad()
def reconstructed(vae: VAE, data: Data) -> Tensor:
    """Return what is decoded at the centres of the posteriors, ``(N, ...)``."""
    parts = []
    with pyro.validation_enabled(False), unregistered():
        for x in data.batches(torch.arange(len(data)), BATCH):
            parts.append(vae.decode(vae.latent.features(MostProbable()(vae.guide)(x))).mean)
    return torch.cat(parts)


@torch.no_grad()
def generated(vae: VAE, wish: Wish, name: str) -> tuple[Tensor | None, Tensor]:
    """Return latents ``(n, coordinates)`` (None along a path) and what is decoded there, ``(n, ...)``.

    Raises
    ------
    UserError
        There is no prior, component or coordinate of that name; or x cannot be drawn. It starts with ``name``.
    """
    if isinstance(vae, AE):
        raise UserError(f"{name}: a plain autoencoder has no prior to generate jets from; reconstruct some instead")
    fixed = chosen_components(vae.latent, wish.component, name)
    if wish.along is not None:
        return None, decoded_along(vae, wish, fixed, name)
    z, x = [], []
    for rows in torch.arange(wish.n).split(BATCH):
        drawn = from_prior(vae.latent, fixed, len(rows))
        z.append(vae.latent.coordinates(drawn))
        likelihood = vae.decode(vae.latent.features(drawn))
        x.append(likelihood.sample() if wish.noise else likelihood.mean)
    return torch.cat(z), torch.cat(x)


def from_prior(space: Space, fixed: Mapping[str, Tensor], count: int) -> Any:
    """Draw latents of ``count`` jets from the prior, the sites of ``fixed`` at their values."""
    given = {site: value.expand(count, -1) for site, value in fixed.items()}
    with pyro.plate("jets", count):
        return poutine.condition(space.sample_prior, data=given)()


def chosen_components(space: Space, wanted: int | Mapping[str, int] | None, name: str) -> dict[str, Tensor]:
    """Return site -> one-hot value of the categories and manifolds that are chosen.

    >>> from priors import parse
    >>> chosen_components(parse("R1 | S1"), 1, "run")
    {'z_M2': tensor([0., 1.])}
    """
    if wanted is None:
        return {}
    known = {label: factor.dim for label, factor in space.items if factor.kind == "category"}
    if not isinstance(wanted, Mapping):
        if len(known) != 1:
            found = ", ".join(known) or "no category and no manifolds"
            raise UserError(f"{name}: component = {wanted} of which? {space} has {found}; give a mapping label: number")
        wanted = {next(iter(known)): wanted}
    for label, number in wanted.items():
        if label not in known or not 0 <= number < known[label]:
            choice = "; ".join(f"{each}: 0 to {size - 1}" for each, size in known.items()) or "none"
            raise UserError(f"{name}: no component {number} of {label}; {space} has {choice}")
    return {f"z_{label}": torch.eye(known[label])[number] for label, number in wanted.items()}


def decoded_along(vae: VAE, wish: Wish, fixed: Mapping[str, Tensor], name: str) -> Tensor:
    """Return what is decoded along one coordinate, ``(n, ...)``."""
    z = from_prior(vae.latent, fixed, 1) if wish.jet is None else MostProbable()(vae.guide)(wish.jet)
    n = wish.n
    reals = tuple(np.linspace(-WIDEST, WIDEST, n).tolist())
    angles = tuple((2 * math.pi * np.arange(n) / n).tolist())
    edge = tuple(np.linspace(0, 1, n).tolist())
    steps, features = traversals(vae.latent, first_jet(z), Steps(reals, angles, edge))
    mine = [i for i, step in enumerate(steps) if step.path == wish.along]
    if not mine:
        known = ", ".join(dict.fromkeys(step.path for step in steps))
        raise UserError(f"{name}: along = {wish.along!r}: no such path; there are {known}")
    likelihood = vae.decode(features[mine])
    return likelihood.sample() if wish.noise else likelihood.mean


def pt_of(jets: Jets) -> NDArray[np.float64]:
    """Return the summed pT of the constituents, ``(N,)`` [GeV]; 1 for vectors."""
    return np.ones(len(jets)) if jets.are_vectors else jets.constituents[..., 0].sum(1, dtype=np.float64)


def presented(
    recipe: Recipe,
    x: Tensor,
    pt: NDArray[np.floating],
    known: NDArray[np.bool_] | None = None,
    z: tuple[Space, Tensor | None] | None = None,
) -> xr.Dataset | Jets:
    """Return x ``(N, ...)`` as images, as jets of these pT ``(N,)``, or as vectors; with latents ``z`` where given."""
    values = x.numpy()
    space, latents = (None, None) if z is None else z
    if not (recipe.model.clouds or recipe.model.inputs):
        return pictures(recipe, values, known, space, latents)
    if recipe.model.clouds:
        values = without_strays(values)
        values = np.concatenate([values[..., :1] * pt[:, None, None], values[..., 1:]], -1).astype(np.float32)
        order = np.argsort(-values[..., 0], 1, kind="stable")
        values = np.take_along_axis(values, order[..., None], 1)
    names = () if space is None or latents is None else space.coordinate_names
    truth = {} if latents is None else dict(zip(names, latents.numpy().T.copy(), strict=True))
    return Jets(values, np.zeros(len(values), np.int64), ("generated" if z else "decoded",), truth=truth)


def without_strays(clouds: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return decoded clouds ``(N, M, 3)``, shares of pT first, without particles that are in no jet; shares sum to one.

    An azimuth is decoded as a direction: of a particle of next to no pT it may point anywhere, also farther from the
    hardest particle than any jet is wide (`jets.axis.APART`).

    >>> without_strays(np.array([[[0.75, 0.0, 0.1], [0.0, 0.0, 0.0], [0.25, 0.0, 3.14]]]))[0, :, 0]
    array([1., 0., 0.])
    """
    share, eta, phi = np.moveaxis(clouds.astype(np.float64), -1, 0)
    hardest = share.argmax(1)[:, None]
    away = np.abs(eta - np.take_along_axis(eta, hardest, 1))
    around = np.abs((phi - np.take_along_axis(phi, hardest, 1) + np.pi) % (2 * np.pi) - np.pi)
    stray = (share > 0) & (np.maximum(away, around) > APART)
    rows = stray.any(1)
    if not rows.any():
        return clouds
    lost = np.where(stray, share, 0).sum(1).max()
    say(f"{first(rows)}: particles decoded more than {APART:g} from the hardest are left out, at most {lost:.2g} of pT")
    kept = np.where(stray[..., None], np.zeros_like(clouds), clouds)
    kept[rows, :, :1] /= kept[rows, :, :1].sum(1, keepdims=True)
    return kept


def pictures(
    recipe: Recipe, values: NDArray, known: NDArray[np.bool_] | None, space: Space | None, latents: Tensor | None
) -> xr.Dataset:
    """Return images ``(N, pixels**2)`` with their axes [rad], and latents where given."""
    side = recipe.image.pixels
    axes = {
        axis: (np.arange(side) + 0.5 - side / 2) * step
        for axis, step in zip(("eta", "phi"), recipe.image.width, strict=True)
    }
    found = xr.Dataset({"image": (("jet", "eta", "phi"), values.reshape(len(values), side, side))}, axes)
    if known is not None:
        found = found.where(xr.DataArray(known, dims="jet"))
    if space is not None and latents is not None:
        found = found.assign(z=(("jet", "coordinate"), latents.numpy())).assign_coords(coordinate_labels(space))
    return found
