r"""KL, distortion and dimension of the data of a run against resolution.

From one training for a range of beta, or from several trainings at one beta each:

.. math::
    D_2 = -\frac{d\,\mathrm{KL}}{d\ln\beta}, \qquad
    D_1 = \frac{d\langle d^2\rangle}{d\beta^2}
    \quad\Bigl(\text{in general } \frac{1}{p\,\beta^p}\frac{d\langle D\rangle}{d\ln\beta}\Bigr)

The first counts the information, the second the distortion. At the optimum of the objective KL + <D>/p beta^p they are
equal, since it then changes with beta only through the explicit beta (Collins 2109.10919): their ratio says where a
training has not converged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluation.chosen import Chosen, choose
from analysis.evaluation.missed import missed
from analysis.measures.dimension_curves import averaged, combined, from_grid, shares, summarised
from analysis.measures.dimension_exact import known
from analysis.measures.probing import changes, with_changes
from inference.lower_bound import KLTerm, elbo, kl_terms, nested_factors
from inference.machine import tune_cpu
from inference.recipe import RecipeError
from inference.run import Run
from models import VAE, Beta

BATCH = 1000
FEWEST_BETAS = 5
"""Betas of a grid of which a spline can be drawn."""
POINTS = 25
"""Resolutions at which a range is evaluated."""


def dimension(
    runs: Sequence[Run],
    *,
    betas: Sequence[float] | None = None,
    jets: int = 3000,
    draws: int = 2,
    seed: int = 0,
    probes: Sequence[Run] = (),
) -> xr.Dataset:
    """Return KL, distortion and both dimensions against resolution, with errors.

    Parameters
    ----------
    runs
        Trainings of one range of beta that differ in their seed; or trainings at one beta each, at least five betas.
    betas
        Resolutions to evaluate a range at; by default 25 over its length.
    jets
        Most held-out jets to evaluate on, of each run.
    draws
        Of the guide, for each jet and resolution.
    seed
        Of the draws and of the bootstrap.
    probes
        One for each run of a range, or none: :func:`inference.probe.probed`. Errors and ``converged`` then contain what
        a longer training of wider networks changes.

    Returns
    -------
    xarray.Dataset
        Along ``beta``: ``kl`` [nat], ``distortion`` (<d^2>, or <d> where the power is 1), ``distance`` (<d>; of clouds
        the mean Energy Mover's Distance), ``D1``, ``D2``, each with ``_error``, and ``converged``; ``kl_spectrum``
        (beta, kl_term) [nat]; ``bound``, whether all continuous latents are in use, so that D2 cannot be larger with so
        few; ``sigma`` and ``rms`` (beta, coordinate), mean width and root mean square centre of the
        posteriors of real coordinates; ``category_share`` (class, beta, category), the part of the jets of each class
        that each category or manifold has; of toys, ``exact_kl`` and ``exact_distortion`` where they are known, and of
        a Gaussian ``excess``, by how much the objective exceeds its optimum [nat]. ``beta`` is in the unit of the
        data; times the attribute ``scale`` it is in ``unit``. Errors: bootstrap over jets, with several seeds their
        spread, and with probes what these change; then also ``gain`` [nat] and what
        :func:`analysis.measures.probing.with_changes` says.

    Raises
    ------
    RecipeError
        Runs of a range and runs of one beta together, or too few betas for a derivative, or probes of one beta.
    """
    tune_cpu()
    covered = {run.recipe.model.beta for run in runs}
    ranges = {beta.is_range for beta in covered}
    if len(ranges) > 1:
        raise RecipeError("give runs of a range of beta, or runs of one beta each, not both")
    if ranges == {False} and len(covered) < FEWEST_BETAS:
        raise RecipeError(f"a derivative needs at least {FEWEST_BETAS} betas, got {len(covered)}; or a run of a range")
    if probes and ranges == {False}:
        raise RecipeError("a probe is of a run of a range of beta; a grid has several trainings in its place")
    parts = [measure(run, choose(run), jets, betas, draws, seed) for run in runs]
    if ranges == {False}:
        return from_grid(parts, seed).assign_attrs(parts[-1].attrs)
    found = combined([summarised(part, seed) for part in parts])
    if probes:
        after = [measure(run, choose(run), jets, betas, draws, seed) for run in probes]
        found = with_changes(found, [changes(*pair, seed) for pair in zip(parts, after, strict=True)])
    return found.assign_attrs(parts[-1].attrs)


def dimension_of(run: Run, chosen: Chosen, jets: int, seed: int = 0) -> xr.Dataset:
    """Return :func:`dimension` of one run of a range, on the first ``jets`` of these."""
    measured = measure(run, chosen, jets, seed=seed)
    return combined([summarised(measured, seed)])


def measure(
    run: Run, chosen: Chosen, jets: int, betas: Sequence[float] | None = None, draws: int = 2, seed: int = 0
) -> xr.Dataset:
    """Return KL and distortion of the first ``jets`` of the chosen ones at each resolution; of a range also slopes.

    ``kl`` (beta, jet, kl_term) [nat], ``distortion`` (beta, jet), ``kl_slope`` and ``distortion_slope`` (beta, jet),
    ``sigma`` and ``rms`` (beta, coordinate), and what is known of toys (:func:`known`). Attributes: ``power``,
    ``latent``, and ``scale`` and ``unit`` in which to show beta: of clouds the median jet pT in GeV. The noise is the
    same at all resolutions. ``weight`` (jet) is a coordinate where the jets have weights. With categories:
    ``category_share`` (beta, jet, category), the probability of each; ``class_name`` (jet). ``chooses`` (kl_term) says
    which terms are of those. Of vectors of at most 64 numbers, without weights, ``lacking`` and ``untold`` (beta,)
    [nat]: what residuals say that the model lacks (:mod:`analysis.measures.residuals`).
    """
    vae, index = run.vae, torch.arange(len(chosen.data))[:jets]
    grid, rows, least = resolutions(run.recipe.model.beta, betas), [], []
    for value in grid:
        torch.manual_seed(seed)
        with pyro.validation_enabled(False):
            pieces = [at_resolution(vae, x, float(value), draws) for x in chosen.data.batches(index, BATCH)]
            least.append(missed(vae, chosen.data.batches(index, BATCH), float(value)))
        rows.append({name: np.concatenate([piece.table[name] for piece in pieces]) for name in pieces[0].table})
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    shown = {"scale": 1.0, "unit": ""}
    if run.recipe.model.clouds:
        shown = {"scale": float(np.median(chosen.jets.constituents[:jets, :, 0].sum(1))), "unit": "GeV"}
    terms = pieces[0].terms
    labels = {"beta": grid, "kl_term": [term.name for term in terms], "coordinate": real_coordinates(vae)}
    labels["chooses"] = ("kl_term", [term.factor in choices(vae) for term in terms])
    if categories := category_coordinates(vae):
        names = np.array(chosen.jets.classes)[chosen.jets.label[: len(index)]]
        labels |= {"category": categories, "class_name": ("jet", names)}
    weights = None if chosen.jets.weights is None else chosen.jets.weights[:jets]
    result = tabled(table, weights).assign_coords(labels)
    if not np.isnan(least).any() and weights is None:
        gains, nats = zip(*least, strict=True)
        result = result.assign(lacking=("beta", list(gains)), untold=("beta", list(nats)))
    result.attrs = {"power": vae.likelihood.power, "latent": run.recipe.model.latent} | shown
    found = known(chosen.jets.sources, chosen.jets[:jets].truth, result)
    return result.merge(found).assign_attrs(result.attrs | found.attrs)


def resolutions(beta: Beta, wanted: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Return where to measure: a run's one resolution, or points of its range, evenly spaced unless they are given."""
    if not beta.is_range:
        return np.array([beta.low])
    return np.geomspace(beta.low, beta.high, POINTS) if wanted is None else np.asarray(wanted, float)


def tabled(table: Mapping[str, NDArray[np.float64]], weights: NDArray[np.float64] | None = None) -> xr.Dataset:
    """Return what :func:`at_resolution` found at all resolutions, with dimensions; widths and centres averaged.

    Event weights ``(jet,)`` become the coordinate ``weight``.
    """
    own, share = ("beta", "jet"), shares(table["distortion"].shape[1], weights)
    variables: dict[str, Any] = {name: (own, table[name]) for name in ("distortion", "kl_slope", "distortion_slope")}
    variables |= {
        "kl": ((*own, "kl_term"), table["kl"]),
        "sigma": (("beta", "coordinate"), averaged(table["width"], share)),
        "rms": (("beta", "coordinate"), np.sqrt(averaged(table["centre"] ** 2, share).clip(min=0))),
    }
    if table["categories"].shape[-1]:
        variables["category_share"] = ((*own, "category"), table["categories"])
    return xr.Dataset(variables, {} if weights is None else {"weight": ("jet", weights)})


class AtResolution(NamedTuple):
    """Numbers of jets at one resolution: name -> ``(B, ...)``, and the KL terms."""

    table: dict[str, NDArray[np.float64]]
    terms: list[KLTerm]


def at_resolution(vae: VAE, x: Tensor, beta: float, draws: int) -> AtResolution:
    """Return what :func:`measure` collects, of jets x ``(B, ...)`` at one resolution; slopes by reverse mode."""
    log_beta = torch.full((len(x),), float(np.log(beta)), requires_grad=True)
    with vae.at(log_beta.exp()):
        bounds = [elbo(vae.model, vae.guide, x) for _ in range(draws)]
        first = bounds[0].kl.items()
        terms = [term for site, value in first for term in kl_terms(vae.latent, site, value.shape[-1])]
        reconstruction = torch.stack([bound.reconstruction for bound in bounds]).mean(0)
        kl = torch.stack([torch.cat(list(bound.kl.values()), -1) for bound in bounds]).mean(0)
        distortion = vae.likelihood.distortion(reconstruction, x)
        centre, width = centres_and_widths(vae, x)
        categories = category_weights(vae, x)
    parts = {"kl": kl, "distortion": distortion, "centre": centre, "width": width, "categories": categories}
    parts |= {"kl_slope": slope_of_jets(kl.sum(-1), log_beta), "distortion_slope": slope_of_jets(distortion, log_beta)}
    return AtResolution({name: value.detach().double().numpy() for name, value in parts.items()}, terms)


def slope_of_jets(values: Tensor, log_beta: Tensor) -> Tensor:
    """Return the derivative of each jet's value by its own ln beta, both ``(B,)``."""
    if not values.requires_grad:
        return torch.zeros_like(log_beta)
    found = torch.autograd.grad(values.sum(), log_beta, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(log_beta) if found is None else found


@torch.no_grad()
def centres_and_widths(vae: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the posteriors of all real coordinates, each ``(B, n)``."""
    heads = vae.latent.split(vae.encode(x))
    posteriors = [factor.posterior(heads[label]) for label, factor in vae.latent.items if factor.kind == "real"]
    empty = [x.new_zeros(len(x), 0)]
    return torch.cat([q.mean for q in posteriors] or empty, -1), torch.cat([q.stddev for q in posteriors] or empty, -1)


def real_coordinates(vae: VAE) -> list[str]:
    """Return the names of all real coordinates."""
    factors = [(label, factor) for label, factor in vae.latent.items if factor.kind == "real"]
    return [f"{label}_{name}" for label, factor in factors for name in factor.coordinate_labels]


def choices(vae: VAE) -> set[str]:
    """Return the labels of what chooses among a few: categories, and the manifolds of a superposition."""
    return {label for label, factor in nested_factors(vae.latent).items() if factor.kind == "category"}


def category_coordinates(vae: VAE) -> list[str]:
    """Return the names of the categories, and of the manifolds of a superposition."""
    pairs = zip(vae.latent.coordinate_names, vae.latent.coordinate_kinds, strict=True)
    return [name for name, kind in pairs if kind == "category"]


@torch.no_grad()
def category_weights(vae: VAE, x: Tensor) -> Tensor:
    """Return the probability of each category and manifold, ``(B, n)``."""
    mask = torch.tensor([kind == "category" for kind in vae.latent.coordinate_kinds], dtype=torch.bool)
    return vae.latent.points(vae.encode(x))[..., mask] if mask.any() else x.new_zeros(len(x), 0)
