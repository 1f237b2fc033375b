"""Draw from the guide for every jet: latents, densities, KL, reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluation.predictive import chained, term_labels
from analysis.store import NATS
from inference.data import Data
from inference.importance import LogDensities, drawn_traces, log_densities
from inference.labels import coordinate_labels
from inference.lower_bound import KLTerm, enumeration_weight, kl_terms, paired_traces, terms
from models import VAE
from priors import Space

BATCH = 500


@dataclass
class Batch:
    """What one batch of jets contributes."""

    z: Tensor  # (draws, B, coordinates)
    densities: LogDensities | None  # each (draws, B); None where nothing was drawn
    reconstruction: Tensor  # (B,), categories summed over
    kl: Tensor  # (B, terms), as charged in training
    information: Tensor  # (B, terms), the same but for relaxed categories
    point: Tensor  # (B, coordinates)
    terms: list[KLTerm]


@torch.no_grad()
def evaluate_jets(vae: VAE, data: Data, draws: int) -> dict[str, xr.Dataset]:
    """Draw from the guide for every jet; return posterior, guide_params, information, sample_stats, log_likelihood."""
    parts: list[Batch] = []
    for x in data.batches(torch.arange(len(data)), BATCH):
        with pyro.validation_enabled(not parts):  # the first batch finds what is wrong; checking all costs a quarter
            parts.append(evaluate_batch(vae, x, draws))

    def column(name: str) -> NDArray[np.float32]:
        return torch.cat([getattr(part, name) for part in parts]).numpy()

    def drawn(name: str) -> tuple[tuple[str, ...], NDArray[np.float32], dict[str, str]]:
        values = torch.cat([getattr(part.densities, name) for part in parts], 1).numpy()
        return ("chain", "draw", "jet"), chained(values), NATS

    kl, reconstruction = column("kl").sum(1), column("reconstruction")
    stats = {"elbo": -reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
    coordinate = coordinate_labels(vae.latent)
    z = chained(torch.cat([part.z for part in parts], 1).numpy())
    return {
        "posterior": xr.Dataset({"z": (("chain", "draw", "jet", "coordinate"), z)}, coordinate),
        "guide_params": xr.Dataset({"point": (("jet", "coordinate"), column("point"))}, coordinate),
        "information": xr.Dataset(
            {"kl": (("jet", "kl_term"), column("information"), NATS)}, term_labels(parts[0].terms)
        ),
        "sample_stats": xr.Dataset(
            {name: ("jet", value, NATS) for name, value in stats.items()}
            | {name: drawn(name) for name in ("log_q", "log_prior", "log_weight")}
        ),
        "log_likelihood": xr.Dataset({"x": drawn("log_likelihood")}),
    }


def evaluate_batch(vae: VAE, x: Tensor, draws: int) -> Batch:
    """Evaluate jets x ``(B, K)`` with ``draws`` draws of the guide."""
    space = vae.latent
    z, densities, reconstruction, kl = [], [], [], []
    known: list[KLTerm] = []
    for _ in range(draws):
        traces = paired_traces(vae.model, vae.guide, x)
        bound = terms(*traces)
        reconstruction.append(bound.reconstruction)
        kl.append(torch.cat(list(bound.kl.values()), -1))
        known = [term for site, value in bound.kl.items() for term in kl_terms(space, site, value.shape[-1])]
        if enumeration_weight(traces[0]) is not None:  # a draw has one category, not all of them
            traces = drawn_traces(vae.model, vae.guide, x)
        densities.append(log_densities(*traces))
        returned: Any = traces[0].nodes["_RETURN"]["value"]
        z.append(space.coordinates(returned))
    stacked = LogDensities(*(torch.stack([part.broadcast(len(x))[i] for part in densities]) for i in range(3)))
    head = vae.encode(x)
    cost, mean = torch.stack(kl).mean(0), torch.stack(reconstruction).mean(0)
    information = information_of(space, head, cost, known)
    return Batch(torch.stack(z), stacked, mean, cost, information, space.points(head), known)


def information_of(space: Space, head: Tensor, cost: Tensor, known: list[KLTerm]) -> Tensor:
    """Return the KL to report ``(B, terms)`` from that of training: another where the cost is not the information."""
    information = cost.clone()
    for label, nats in space.information(head).items():
        information[:, [i for i, term in enumerate(known) if term.factor == label]] = nats
    return information
