"""Steps that failed: which batch it was, and which random variable was the first to be no number."""

from __future__ import annotations

import pyro
import torch
from torch import Tensor

from inference.data import Data
from inference.folder import POSTMORTEM, RunError
from inference.lower_bound import paired_traces, samples
from inference.replicas import Replica
from inference.windows import KeptData
from jets.notes import LOG
from models import VAE


def guard(replica: Replica, data: Data | KeptData, taken: Tensor, batches: Tensor, before: int) -> None:
    """Name those of some steps that were skipped; stop when they are too many, keeping the batch.

    Parameters
    ----------
    replica, data
        Whose steps, on what.
    taken, batches
        ``(steps,)``, 0 where a step was skipped, and the jets of each ``(steps, B)``.
    before
        Number of steps before them.

    Raises
    ------
    RunError
        More than ``max_skipped`` steps were skipped since training began.
    """
    for i in torch.nonzero(taken == 0)[:, 0].tolist():
        number, rows = before + i + 1, batches[i]
        first = ", ".join(map(str, rows[:3].tolist()))
        LOG.warning("step %d skipped: loss or gradient not finite (jets %s, ...)", number, first)
    if replica.history.skipped > replica.recipe.training.max_skipped:
        x = data[rows.to(data.device)]
        site = guilty_site(replica.vae, x)
        replica.folder.save(POSTMORTEM, {"step": number, "site": site, "rows": rows, "x": x})
        raise RunError(
            f"{replica.folder.path}: {replica.history.skipped} steps had no finite loss or gradient, the last at "
            f"step {number}, first seen at site {site}; its batch is in {POSTMORTEM}. Lower lr, or raise beta"
        )


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
