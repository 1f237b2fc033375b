"""Jets -> what a run says of each: latents, posterior, KL, reconstruction, bound and every score."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.answers.parameters import posterior_parameters
from analysis.evaluation.centred import centred_terms
from analysis.evaluation.draws import BATCH, Batch, evaluate_batch, information_of
from analysis.evaluation.jet_scores import batch_scores, entropies
from analysis.evaluation.predictive import term_labels
from analysis.measures.oddness import Odd
from analysis.measures.orientation import Orientation
from analysis.measures.scores import Score, score_table, stacked
from analysis.store import NATS
from inference.data import Images, data_for
from inference.labels import coordinate_labels
from inference.lower_bound import kl_terms
from inference.recipe import Recipe
from jets import Jets
from jets.preprocess import outside, prepare
from jets.shapes import shapes
from models import VAE

STAND_IN = (1.0, 0.0, 0.0)
"""The one constituent of the jet that stands for one that the model cannot describe, until its numbers become NaN."""
Columns = Mapping[str, Tensor]


def encoded(
    vae: VAE, recipe: Recipe, jets: Jets, orientation: Orientation, draws: int, odd: Odd | None = None
) -> xr.Dataset:
    """Return what the model says of N jets; NaN for a jet that it cannot describe.

    Parameters
    ----------
    vae
        At the resolution wanted.
    recipe
        Its preprocessing.
    jets
        N jets.
    orientation
        What the training jets decide of the scores.
    draws
        Of the guide for each jet, over which ELBO, KL and reconstruction are averaged; 0: everything at the posterior's
        centre, without noise and without ``log_p``, which needs draws.
    odd
        The score of the jets' shapes, where there is one.

    Returns
    -------
    xarray.Dataset
        ``centre`` (jet, coordinate); ``q`` (jet, parameter), the posterior's parameters; ``z`` (draw, jet, coordinate),
        with draws; ``kl`` (jet, kl_term), ``kl_total``, ``reconstruction`` = -E_q[ln p(x|z)], ``elbo`` (jet) [nat];
        ``score`` (jet, name), larger is more anomalous (:mod:`analysis.measures.scores`). Where there is such a score,
        ``odd`` and ``p_value`` (jet,) at given mass and pT (:mod:`analysis.measures.oddness`), of the jet as it came.
    """
    known = describable(jets, recipe)
    data = data_for(replaced(jets, known), recipe, torch.device("cpu"))
    pictures = data if orientation.bulks and isinstance(data, Images) else None
    with ThreadPoolExecutor(1) as beside, torch.no_grad(), pyro.validation_enabled(False):
        pictured = None if pictures is None else beside.submit(entropies, pictures)  # as long as the model takes
        parts = [of_batch(vae, x, draws) for x in data.batches(torch.arange(len(data)), BATCH)]
    found = labelled(vae, parts, draws)
    table = orientation.oriented(scores_of(found, [part[1] for part in parts]))
    if pictured is not None:
        table |= orientation.distances(pictured.result())
    values = stacked(table).astype(np.float32).transpose("jet", "score").rename(score="name")
    answers = found.assign(score=values.drop_vars(["kind", "component"])).where(xr.DataArray(known, dims="jet"))
    return answers if odd is None else answers.assign(by_shapes(odd, jets))


def by_shapes(odd: Odd, jets: Jets) -> dict[str, tuple[str, NDArray[np.float32]]]:
    """Return ``odd`` and ``p_value`` of jets; NaN of fewer than five particles."""
    columns = zip(("odd", "p_value"), odd.judged(shapes(jets.constituents)), strict=True)
    return {name: ("jet", values.astype(np.float32)) for name, values in columns}


def nothing(vae: VAE, recipe: Recipe, orientation: Orientation, draws: int, odd: Odd | None = None) -> xr.Dataset:
    """Return what :func:`encoded` returns of no jets: its columns."""
    inputs = recipe.model.inputs
    one = np.zeros((1, inputs), np.float32) if inputs else np.array([[STAND_IN]], np.float32)
    jets = Jets(one, np.zeros(1, np.int64), ("none",))
    return encoded(vae, recipe, jets, orientation, draws, odd).isel(jet=slice(0))


def of_batch(vae: VAE, x: Tensor, draws: int) -> tuple[Batch, dict[Score, Tensor], Columns]:
    """Return the evaluation of jets x ``(B, ...)``, the scores of the model alone, the posterior's parameters."""
    with vae.encoded_once(x):
        evaluated = evaluate_batch(vae, x, draws) if draws else at_centre(vae, x)
        alone = batch_scores(vae, x, drawn=draws > 0)
        return evaluated, alone, posterior_parameters(vae.latent, vae.encode(x))


def at_centre(vae: VAE, x: Tensor) -> Batch:
    """Return the evaluation of jets x ``(B, ...)`` at the centres of their posteriors."""
    bound, head = centred_terms(vae, x)
    known = [term for site, value in bound.kl.items() for term in kl_terms(vae.latent, site, value.shape[-1])]
    cost = torch.cat(list(bound.kl.values()), -1)
    point = vae.latent.points(head)
    return Batch(
        point[None], None, bound.reconstruction, cost, information_of(vae.latent, head, cost, known), point, known
    )


def labelled(vae: VAE, parts: list[tuple[Batch, dict[Score, Tensor], Columns]], draws: int) -> xr.Dataset:
    """Return the evaluations of all batches, with their labels."""
    batches = [part[0] for part in parts]

    def column(name: str) -> NDArray[np.float32]:
        return torch.cat([getattr(batch, name) for batch in batches]).numpy()

    cost, reconstruction = column("kl").sum(1), column("reconstruction")
    stats = {"kl_total": cost, "reconstruction": reconstruction, "elbo": -reconstruction - cost}
    parameters = {name: torch.cat([part[2][name] for part in parts]).numpy() for name in parts[0][2]}
    terms = term_labels(batches[0].terms)
    labels = coordinate_labels(vae.latent) | {"kl_term": terms["kl_term"], "parameter": list(parameters)}
    found: dict[str, Any] = {
        "centre": (("jet", "coordinate"), column("point")),
        "q": (("jet", "parameter"), np.stack(list(parameters.values()), 1)),
        "kl": (("jet", "kl_term"), column("information"), NATS),
    }
    if draws:
        found["z"] = (("draw", "jet", "coordinate"), torch.cat([batch.z for batch in batches], 1).numpy())
    return xr.Dataset(found | {name: ("jet", value, NATS) for name, value in stats.items()}, labels)


def scores_of(found: xr.Dataset, alone: list[dict[Score, Tensor]]) -> dict[Score, NDArray]:
    """Return raw scores: those that the evaluation gives, and those of the model alone."""
    stats = xr.Dataset({"reconstruction": found["reconstruction"], "kl": found["kl_total"], "elbo": found["elbo"]})
    table = score_table(stats, found["centre"])
    return table | {score: torch.cat([part[score] for part in alone]).numpy() for score in alone[0]}


def describable(jets: Jets, recipe: Recipe) -> NDArray[np.bool_]:
    """Return which jets the model describes, ``(N,)``: of images, those with pT inside."""
    if jets.are_vectors or recipe.model.clouds:
        return np.ones(len(jets), bool)
    kept = torch.as_tensor(jets.constituents[:, : recipe.data.constituents])
    return ~outside(prepare(kept, recipe.image.steps), recipe.image.pixels, recipe.image.width).numpy()


def replaced(jets: Jets, known: NDArray[np.bool_]) -> Jets:
    """Return the jets, those that are not ``known`` replaced by a jet of one constituent."""
    if known.all():
        return jets
    constituents = jets.constituents.copy()
    constituents[~known] = 0
    constituents[~known, 0] = STAND_IN
    return jets.with_(constituents=constituents)
