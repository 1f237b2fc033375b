"""What a model starts with: the precision of its networks, and training jets where a prior begins at some."""

from __future__ import annotations

import torch

from inference.data import Data
from inference.splits import Split
from inference.windows import KeptData
from models import VAE
from priors import VampPrior


def prepare(vae: VAE, data: Data | KeptData, part: Split, *, low_precision: bool) -> None:
    """Set the networks' precision, and start priors made of posteriors at the first training jets."""
    vae.low_precision = low_precision
    starts = [each.components for each in vae.latent.modules() if isinstance(each, VampPrior)]
    if starts:
        first = torch.as_tensor(part.train[: max(1000, *starts)], device=data.device)
        vae.latent.connect(vae.encode, data[first])
