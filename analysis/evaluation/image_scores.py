"""Scores of held-out jet images under a trained run, the model's own and those without one (see analysis.measures.anomaly)."""

from __future__ import annotations

import math

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.measures.anomaly import orient
from analysis.evaluation.tree import evaluate_jets
from analysis.evaluation.tree import scores as tree_scores
from analysis.measures.typicality import image_scores, shape_entropies
from inference.data import Images, data_for
from inference.importance import log_weights
from inference.machine import tune_cpu
from inference.run import Run, RunError
from jets import Jets
from models import AE, VAE

BATCH = 500
DRAWS = 4
"""Draws of the guide for reconstruction, KL and bound."""
PARTICLES = 16
"""Draws of the guide for log p(x)."""
ORIENTING = 1000
"""Training jets that orient the scores, at most."""
Raw = dict[str, NDArray]


def scores(
    run: Run,
    data: Jets | None = None,
    *,
    own: Jets | None = None,
    most: int | None = None,
    image_alone: bool = True,
) -> xr.Dataset:
    """Return every score of held-out jets, oriented without labels.

    Parameters
    ----------
    run
        A run on jet images.
    data
        Jets to score, by default the run's own test jets.
    own
        The run's own sample, where it is already in memory.
    most
        Jets of each class to score at most.
    image_alone
        Whether to add the scores that need no model.

    Returns
    -------
    xarray.Dataset
        ``score_value`` (score, jet), larger is more anomalous; ``class_name`` (jet).

    Raises
    ------
    RunError
        The run is not on images.
    """
    tune_cpu()
    own = run.jets() if own is None else own
    if run.recipe.model.clouds or own.are_vectors:
        raise RunError(f"{run.path}: these scores are of jet images; for this run use python -m analysis.summary")
    part = run.split(own)
    jets = capped(own[part.test] if data is None else data, most)
    known = own[np.random.default_rng(0).permutation(part.train)[:ORIENTING]]
    vae = run.vae()
    test, training = (data_for(sample, run.recipe, torch.device("cpu")) for sample in (jets, known))
    torch.manual_seed(0)
    table = orient(raw_scores(vae, test), raw_scores(vae, training))
    if image_alone:
        table |= image_scores(entropies(test), entropies(training))
    return xr.Dataset(
        {
            "score_value": (("score", "jet"), np.stack(list(table.values())).astype(np.float32)),
            "class_name": ("jet", np.array(jets.classes)[jets.label]),
        },
        {"score": list(table)},
        {"classes": [name for name, count in jets.counts.items() if count], "run": str(run.path)},
    )


def capped(jets: Jets, most: int | None) -> Jets:
    """Return at most ``most`` jets of each class."""
    return jets[np.concatenate([np.flatnonzero(jets.label == i)[:most] for i in range(len(jets.classes))])]


@torch.no_grad()
def raw_scores(vae: VAE, images: Images) -> Raw:
    """Return the scores of the tree, then log p(x), mixture ratios and responsibilities, not oriented."""
    table = tree_scores(evaluate_jets(vae, images, DRAWS), vae.latent)["score_value"]
    found = {str(name): np.asarray(table.sel(score=name)) for name in table["score"].values}
    with pyro.validation_enabled(False):
        parts = [batch_scores(vae, x) for x in images.batches(torch.arange(len(images)), BATCH)]
    return found | {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def batch_scores(vae: VAE, x: Tensor) -> dict[str, Tensor]:
    """Return what only the model knows of jets x ``(B, K)``, each ``(B,)``."""
    found = {}
    if not isinstance(vae, AE) and "category" not in vae.latent.coordinate_kinds:
        found["log_p"] = math.log(PARTICLES) - log_weights(vae.model, vae.guide, x, PARTICLES).logsumexp(0)
    heads = vae.latent.split(vae.encode(x))
    start = 0
    for label, factor in vae.latent.items:
        if factor.kind == "simplex":
            found |= {f"ratio_{k}": r for k, r in enumerate(vertex_ratios(vae, x, start, factor.dim))}
        if hasattr(factor, "responsibilities"):
            shares = factor.responsibilities(factor.posterior(heads[label]).mean)  # type: ignore[operator]
            found |= {f"responsibility_{c}": share for c, share in enumerate(shares.unbind(-1))}
        start += factor.features_size
    return found


def vertex_ratios(vae: VAE, x: Tensor, start: int, components: int) -> Tensor:
    r"""Return :math:`\ln p(x|e_k) - \ln \frac1{K-1}\sum_{j\ne k} p(x|e_j)` of pure mixtures k, ``(K, B)`` [nat].

    The other factors' features are those of a draw of the guide; the simplex' features begin at ``start``.
    """
    features = vae.latent.features(vae.guide(x)).expand(components, -1, -1).clone()
    features[..., start : start + components] = torch.eye(components)[:, None]
    log_p = vae.decode(features).log_prob(x)
    others = [torch.cat([log_p[:k], log_p[k + 1 :]]).logsumexp(0) - math.log(components - 1) for k in range(components)]
    return log_p - torch.stack(others)


def entropies(images: Images) -> NDArray:
    """Return the three entropies [nat] of all images, ``(N, 3)``."""
    side = images.config.pixels
    batches = images.batches(torch.arange(len(images)), BATCH)
    return np.concatenate([shape_entropies(x.unflatten(-1, (side, side)).numpy()) for x in batches])
