"""Scores of jets under a trained run: the model's own, and of images those that need none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluation.centred import MostProbable
from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.shape_scores import shape_scores
from analysis.measures.orientation import Orientation
from analysis.measures.scores import Score, score_table, stacked
from analysis.measures.searching import known_of
from analysis.measures.typicality import shape_entropies
from inference.data import Data, Images, data_for
from inference.entry import announce
from inference.importance import drawn_log_weights, log_weights
from inference.machine import tune_cpu
from inference.recipe import Recipe, RecipeError
from inference.run import Run
from inference.splits import split
from jets import Jets
from jets.command import command
from models import AE, VAE

BATCH = 500
DRAWS = 4
"""Draws of the guide for reconstruction, KL and bound."""
PARTICLES = 16
"""Draws of the guide for log p(x)."""
ORIENTING = 1000
"""Training jets that orient the scores, at most."""
Raw = dict[Score, NDArray]


def scores(
    run: Run,
    data: Jets | None = None,
    *,
    own: Jets | None = None,
    most: int | None = None,
    image_alone: bool = True,
    shapes_alone: bool = False,
    beta: float | None = None,
) -> xr.Dataset:
    """Return every score of held-out jets, oriented without labels.

    Parameters
    ----------
    run
        A run.
    data
        Jets to score, by default the run's own test jets.
    own
        The run's own sample, where it is already in memory.
    most
        Jets of each class to score at most.
    image_alone
        Whether to add, of images, the scores that need no model.
    shapes_alone
        Whether to add, of jets, :func:`analysis.evaluation.shape_scores.shape_scores`.
    beta
        Where to evaluate a run of a range of resolutions; in its (geometric) middle by default.

    Returns
    -------
    xarray.Dataset
        ``score_value`` (score, jet), larger is more anomalous, its ``kind`` and ``component``, and ``weight`` of
        jets with weights; ``class_name`` (jet). ``jet`` is the number in the sample. Of jets also coordinates
        :data:`analysis.measures.searching.KNOWN`.

    Raises
    ------
    RunError
        The run has one resolution and ``beta`` is given.
    """
    tune_cpu()
    own = run.jets if own is None else own
    if data is not None:
        announce(data, run.recipe)
    test = split(own, run.recipe.data, run.recipe.training.seed).test
    offered = own[test] if data is None else data
    rows = capped_rows(offered, most)
    jets, number = offered[rows], rows if data is not None else test[rows]
    with run.at(beta) as vae:
        torch.manual_seed(0)
        described = data_for(jets, run.recipe, torch.device("cpu"))
        raw = raw_scores(vae, described)
        decided = orientation(vae, run.recipe, own, image_alone=image_alone)
    table = decided.oriented(raw)
    if decided.bulks and isinstance(described, Images):
        table |= decided.distances(entropies(described))
    if shapes_alone and not jets.are_vectors:
        table |= shape_scores(run, own, jets.constituents)
    values = stacked(table).astype(np.float32)
    if not jets.are_vectors:
        values = values.assign_coords(known_of(jets.constituents))
    return xr.Dataset(
        {
            "score_value": values if jets.weights is None else values.assign_coords(weight=("jet", jets.weights)),
            "class_name": ("jet", np.array(jets.classes)[jets.label]),
        },
        {"jet": number},
        attrs={"classes": [name for name, count in jets.counts.items() if count], "run": str(run.path)},
    )


def orientation(vae: VAE, recipe: Recipe, own: Jets, *, image_alone: bool = True) -> Orientation:
    """Return what some of the training jets of a run's sample ``own``, without their labels, decide of its scores."""
    train = split(own, recipe.data, recipe.training.seed).train
    known = data_for(own[np.random.default_rng(0).permutation(train)[:ORIENTING]], recipe, torch.device("cpu"))
    shapes = entropies(known) if image_alone and isinstance(known, Images) else None
    return Orientation.of(raw_scores(vae, known), shapes)


def images_of(jets: Jets, recipe: Recipe) -> Images:
    """Return jets as the images of a recipe, on the CPU.

    Raises
    ------
    RecipeError
        The recipe is of clouds or vectors.
    """
    images = data_for(jets, recipe, torch.device("cpu"))
    if not isinstance(images, Images):
        raise RecipeError(f"these scores are of jet images; of {recipe.model.likelihood}: {command('summary', 'RUN')}")
    return images


def capped(jets: Jets, most: int | None) -> Jets:
    """Return at most ``most`` jets of each class."""
    return jets[capped_rows(jets, most)]


def capped_rows(jets: Jets, most: int | None) -> NDArray[np.int64]:
    """Return which at most ``most`` jets of each class these are, ``(n,)``."""
    return np.concatenate([np.flatnonzero(jets.label == i)[:most] for i in range(len(jets.classes))])


@torch.no_grad()
def raw_scores(vae: VAE, data: Data) -> Raw:
    """Return the scores of the evaluation, then log p(x), mixture ratios and responsibilities, not oriented."""
    groups = evaluate_jets(vae, data, DRAWS)
    found = score_table(groups["sample_stats"], groups["guide_params"]["point"])
    with pyro.validation_enabled(False):
        parts = [batch_scores(vae, x) for x in data.batches(torch.arange(len(data)), BATCH)]
    return found | {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def batch_scores(vae: VAE, x: Tensor, *, drawn: bool = True) -> dict[Score, Tensor]:
    """Return the scores by the model alone of jets x ``(B, K)``, each ``(B,)``; ``log_p`` only where draws may be."""
    found: dict[Score, Tensor] = {}
    if drawn and not isinstance(vae, AE):
        found[Score("log_p")] = -log_p(vae, x, PARTICLES)
    guide = vae.guide if drawn else MostProbable()(vae.guide)
    heads = vae.latent.split(vae.encode(x))
    start = 0
    for label, factor in vae.latent.items:
        if factor.kind == "simplex":
            found |= {Score("ratio", k): r for k, r in enumerate(vertex_ratios(vae, guide, x, start, factor.dim))}
        if hasattr(factor, "responsibilities"):
            shares = factor.responsibilities(factor.posterior(heads[label]).mean)  # type: ignore[operator]
            found |= {Score("responsibility", c): share for c, share in enumerate(shares.unbind(-1))}
        start += factor.features_size
    return found


def log_p(vae: VAE, x: Tensor, particles: int) -> Tensor:
    r"""Return :math:`\ln\frac1K\sum_k p(x, z_k)/q(z_k|x)`, an estimate from below of ln p(x), ``(B,)`` [nat].

    Of clouds, whose likelihood is not normalised, up to a constant.
    """
    weights = drawn_log_weights if "category" in vae.latent.coordinate_kinds else log_weights
    return weights(vae.model, vae.guide, x, particles).logsumexp(0) - math.log(particles)


def vertex_ratios(vae: VAE, guide: Callable[[Tensor], Any], x: Tensor, start: int, components: int) -> Tensor:
    r"""Return :math:`\ln p(x|e_k) - \ln \frac1{K-1}\sum_{j\ne k} p(x|e_j)` of pure mixtures k, ``(K, B)`` [nat].

    The other factors' features are those of a draw of ``guide``; the simplex' features begin at ``start``.
    """
    features = vae.latent.features(guide(x)).expand(components, -1, -1).clone()
    features[..., start : start + components] = torch.eye(components)[:, None]
    log_p = vae.decode(features).log_prob(x)
    others = [torch.cat([log_p[:k], log_p[k + 1 :]]).logsumexp(0) - math.log(components - 1) for k in range(components)]
    return log_p - torch.stack(others)


def entropies(images: Images) -> NDArray:
    """Return the three entropies [nat] of all images, ``(N, 3)``."""
    side = images.config.pixels
    batches = images.batches(torch.arange(len(images)), BATCH)
    return np.concatenate([shape_entropies(x.unflatten(-1, (side, side)).numpy()) for x in batches])
