"""What a model says before and besides the posterior: prior draws, predicted jets, densities of pairs of jets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from pyro import poutine
from torch import Tensor

from analysis.evaluation.chosen import Some
from analysis.store import NATS
from inference.importance import drawn_traces
from inference.labels import coordinate_labels
from inference.lower_bound import KLTerm, kl_terms, samples, site_kl
from models import AE, VAE
from models.registration import unregistered
from priors.kl import splits

PREDICTED, PREDICTIONS = 64, 8
"""Jets that are predicted, and how often."""


def term_labels(terms: Sequence[KLTerm]) -> dict[str, object]:
    """Return the labels of KL terms: name, factor, and the coordinate (empty where the factor's KL does not split)."""
    return {
        "kl_term": [term.name for term in terms],
        "factor": ("kl_term", [term.factor for term in terms]),
        "coordinate_name": ("kl_term", [term.coordinate for term in terms]),
    }


def groups_of_some(vae: VAE, few: Some, paired: Some, draws: int) -> dict[str, xr.Dataset]:
    """Return the groups whose size allows some jets only: observed_data, posterior_predictive, pairs."""
    predicted = predictive_groups(vae, few.x, min(draws, PREDICTIONS))
    groups = {name: group.assign_coords(jet=few.number) for name, group in predicted.items()}
    if len(paired.number) and not isinstance(vae, AE):
        groups["pairs"] = pair_group(vae, paired.x).assign_coords(drawn=paired.number, given=paired.number)
    return groups


def chained(draws: NDArray[Any]) -> NDArray[Any]:
    """Return draws ``(n, ...)`` as ``(chain, draw, ...)``: two chains, for R-hat and ranks, if n is even and above 2.

    The draws are independent; which chain holds which is of no account.
    """
    chains = 2 if len(draws) > 2 and len(draws) % 2 == 0 else 1
    return draws.reshape(chains, len(draws) // chains, *draws.shape[1:])


@torch.no_grad()
def prior_group(vae: VAE, draws: int) -> xr.Dataset:
    """Return draws z (chain, draw, coordinate) of the prior; empty for a plain autoencoder, which has none."""
    if isinstance(vae, AE):
        return xr.Dataset()
    with pyro.plate("draws", draws):
        z = vae.latent.coordinates(vae.latent.sample_prior())
    return xr.Dataset({"z": (("chain", "draw", "coordinate"), chained(z.numpy()))}, coordinate_labels(vae.latent))


@torch.no_grad()
def predictive_groups(vae: VAE, x: Tensor, draws: int) -> dict[str, xr.Dataset]:
    """Return observed_data x (jet, ...) and posterior_predictive x (chain, draw, jet, ...) of jets x ``(B, ...)``.

    Jets are drawn from p(x|z), or decoded where the likelihood cannot be drawn from (a metric); attribute ``kind``
    says which.
    """
    predicted, kind = [], "drawn"
    for _ in range(draws):
        likelihood = vae.decode(vae.latent.features(vae.guide(x)))
        try:
            predicted.append(likelihood.sample())
        except NotImplementedError:
            predicted.append(likelihood.mean)
            kind = "decoded"
    value = chained(torch.stack(predicted).numpy())
    own = tuple(f"x_dim_{i}" for i in range(value.ndim - 3))
    result = xr.Dataset({"x": (("chain", "draw", "jet", *own), value)}, attrs={"kind": kind})
    if value.shape[3:] != x.shape[1:]:  # a decoded cloud need not have as many particles
        own = tuple(f"x_observed_dim_{i}" for i in range(x.dim() - 1))
    return {"observed_data": xr.Dataset({"x": (("jet", *own), x.numpy())}), "posterior_predictive": result}


@torch.no_grad()
def pair_group(vae: VAE, x: Tensor) -> xr.Dataset:
    r"""Return :math:`\ln q(z_i|x_j)` and :math:`\ln p(z_i)` for one draw :math:`z_i` of each of M jets x ``(M, ...)``.

    ``log_q`` (drawn, given, kl_term) and ``log_prior`` (drawn, kl_term), in nats, by coordinate where the KL splits,
    else by factor: what the estimators of :mod:`analysis.measures.information` need, whatever the family.
    """
    guide, prior = drawn_traces(vae.model, vae.guide, x)
    values = {name: site["value"].unsqueeze(1) for name, site in samples(guide, observed=False).items()}
    with unregistered():
        given = poutine.trace(poutine.condition(vae.guide, data=values)).get_trace(x)
    log_q, log_prior, terms = [], [], []
    for name, site in samples(guide, observed=False).items():
        split = splits(site["fn"]) and splits(prior.nodes[name]["fn"])
        log_q.append(site_log_prob(given.nodes[name], split=split))
        log_prior.append(site_log_prob(prior.nodes[name], split=split))
        terms += kl_terms(vae.latent, name, site_kl(site, prior.nodes[name]).shape[-1])
    return xr.Dataset(
        {
            "log_q": (("drawn", "given", "kl_term"), torch.cat(log_q, -1).numpy(), NATS),
            "log_prior": (("drawn", "kl_term"), torch.cat(log_prior, -1).numpy(), NATS),
        },
        term_labels(terms),
    )


def site_log_prob(site: Any, *, split: bool) -> Tensor:
    """Return a site's log density ``(..., n)``, zero where it is masked; n = 1 unless ``split`` by coordinate."""
    distribution = site["fn"]
    while split and hasattr(distribution, "base_dist") and distribution.event_shape:
        distribution = distribution.base_dist
    density = distribution.log_prob(site["value"])
    density = density if split else density.unsqueeze(-1)
    return density if site["mask"] is None else torch.where(site["mask"].unsqueeze(-1), density, 0.0)
