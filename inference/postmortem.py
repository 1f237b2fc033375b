"""After a training that failed: which random variable was the first to be no number."""

from __future__ import annotations

import pyro
import torch
from torch import Tensor

from inference.lower_bound import paired_traces, samples
from models import VAE


def guilty_site(vae: VAE, x: Tensor) -> str:
    """Return the first site whose value or log probability is not finite; else ``gradient``."""
    if not x.isfinite().all():
        return "x (the data)"
    with pyro.validation_enabled(False), torch.no_grad():
        guide_trace, model_trace = paired_traces(vae.model, vae.guide, x)
        for trace in (guide_trace, model_trace):
            for observed in (False, True):
                for name, site in samples(trace, observed=observed).items():
                    if not (site["value"].isfinite().all() and site["fn"].log_prob(site["value"]).isfinite().all()):
                        return name
    return "gradient"
