"""The bound on jets that were kept from training, watched meanwhile."""

from __future__ import annotations

import numpy as np
import pyro
import torch
from torch import Tensor

from inference.data import Data
from inference.lower_bound import ELBO, elbo
from inference.weighting import normalised
from inference.windows import KeptData
from models import VAE

BATCH = 1000
"""Jets at a time."""


@torch.no_grad()
def mean_bound(
    vae: VAE, images: Data | KeptData, index: np.ndarray, seed: int, weights: np.ndarray | None = None
) -> dict[str, float]:
    r"""Return ``validation_loss``, ``_reconstruction``, ``_kl`` [nat per jet] of the jets of ``index``; {} without any.

    With ``weights`` of these jets, ``(len(index),)``, :math:`\sum w\ell/\sum w`. The noise is that of ``seed``, and no
    other draws are disturbed. Jets whose bound is not finite are left out, as their training steps are.
    """
    if not len(index):
        return {}
    vae.eval()
    sums, devices = torch.zeros(3, dtype=torch.float64), [images.device] if images.device.type == "cuda" else []
    weight = None if weights is None else iter(torch.as_tensor(normalised(weights, np.arange(len(index)))).split(BATCH))
    with torch.random.fork_rng(devices=devices), pyro.validation_enabled(False):
        torch.manual_seed(seed)
        for x in images.batches(index, BATCH):
            bound = bound_at_every_beta(vae, x)
            parts = torch.stack([bound.reconstruction, bound.total_kl, torch.ones_like(bound.total_kl)])
            parts = parts[:, bound.elbo.isfinite()]
            if weight is not None:
                parts = parts * next(weight).to(parts)[bound.elbo.isfinite()]
            sums += parts.sum(1).cpu()
    reconstruction, kl, _ = (sums / sums[2]).tolist()
    values = {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
    return {f"validation_{name}": value for name, value in values.items()}


def bound_at_every_beta(vae: VAE, x: Tensor) -> ELBO:
    """Return the ELBO of jets x ``(B, K)``, at resolutions spread over the range where the model has one."""
    if vae.resolution is None:
        return elbo(vae.model, vae.guide, x)
    beta = vae.resolution.stratified(len(x))[torch.randperm(len(x), device=x.device)]
    with vae.at(beta):
        return elbo(vae.model, vae.guide, x)
