"""What the progress of a training shows of its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from inference.history import STEP_TERMS

if TYPE_CHECKING:
    from inference.replicas import Replica


def terms(row: Mapping[str, float]) -> str:
    """Write the loss and its two parts [nat] in few letters: "rec" is the reconstruction.

    >>> terms({"loss": 288.1234, "reconstruction": 280.1, "kl": 8.0234})
    'loss 288.1 = rec 280.1 + KL 8.023'
    """
    return f"loss {row['loss']:.4g} = rec {row['reconstruction']:.4g} + KL {row['kl']:.4g}"


def mean_row(replicas: Sequence[Replica], rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean over replicas of what progress shows; of those that have not failed."""
    healthy = [row for replica, row in zip(replicas, rows, strict=True) if not replica.failure]
    return {name: float(np.mean([row[name] for row in healthy])) for name in ("loss", "reconstruction", "kl")}


def mean_of(report: Tensor) -> dict[str, float]:
    """Return what progress shows of some steps, ``(steps, R, terms)``: means over those that were taken."""
    taken = report[report[..., 0] > 0].double()
    reconstruction, kl = float(taken[:, 2].mean()), float(taken[:, len(STEP_TERMS) :].sum(-1).mean())
    return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
