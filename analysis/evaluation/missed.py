"""A model's residuals -> what they say that its training lacks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from analysis.measures.residuals import lacking
from models import VAE
from models.likelihoods import Gaussian

MOST = 64
"""Numbers of a point of whose residuals covariances are taken."""


def missed(vae: VAE, batches: Iterable[Tensor], beta: float) -> tuple[float, float]:
    """Return :func:`analysis.measures.residuals.lacking` of points in batches ``(B, K)`` at a resolution, in nats.

    NaN where residuals are not vectors of at most 64 numbers: of clouds and images.
    """
    if not isinstance(vae.likelihood, Gaussian):
        return np.nan, np.nan
    points = list(batches)
    if points[0].shape[-1] > MOST:
        return np.nan, np.nan
    pairs = [residuals(vae, x, beta) for x in points]
    left, decoded = (torch.cat(parts, -2).double().numpy() for parts in zip(*pairs, strict=True))
    return lacking(left, decoded, beta)


@torch.no_grad()
def residuals(vae: VAE, x: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """Return points x ``(B, K)`` less what is decoded of two draws, ``(2, B, K)``, and the mean of what is decoded."""
    with vae.at(beta):
        decoded = torch.stack([vae.generate(vae.latent.features(vae.guide(x))) for _ in range(2)])
    return x - decoded, decoded.mean(0)
