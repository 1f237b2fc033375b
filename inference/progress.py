"""Progress of a training: a live line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np
from torch import Tensor

from inference.history import STEP_TERMS

if TYPE_CHECKING:
    from inference.replicas import Replica

PATIENCE = 60.0
"""Seconds between two plain lines of a long epoch, at least."""


class Progress:
    """Report rate, time left, reconstruction and KL.

    Parameters
    ----------
    epochs
        Epochs in all.
    jets
        Jets per epoch.
    done
        Epochs already done.
    stream
        Where to write; standard error by default.
    """

    def __init__(self, epochs: int, jets: int, done: float = 0, stream: TextIO | None = None) -> None:
        self.epochs, self.jets, self.done = epochs, jets, done
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.start = self.last = time.perf_counter()
        self.first = done

    def update(self, epoch: float, row: dict[str, float]) -> None:
        """Show the state after so many epochs; a plain stream gets about ten lines in all, and some in long epochs."""
        now = time.perf_counter()
        final = epoch == self.epochs
        if self.live:
            due = now - self.last > 0.2
        else:
            due = epoch % max(1, self.epochs // 10) == 0 if epoch == int(epoch) else now - self.last > PATIENCE
        if not (due or final):
            return
        self.last = now
        rate = (epoch - self.first) * self.jets / (now - self.start)
        left = (self.epochs - epoch) * self.jets / rate
        text = (
            f"epoch {shown(epoch)}/{self.epochs}  {rate:,.0f} jets/s  {clock(left)} left  "
            f"loss {row['loss']:.4f} = reconstruction {row['reconstruction']:.4f} + KL {row['kl']:.4f} nats"
        )
        end = "\n" if final or not self.live else ""
        self.stream.write(f"\r\x1b[K{text}{end}" if self.live else text + end)
        self.stream.flush()


def clock(seconds: float) -> str:
    """Write a duration.

    >>> clock(75.2), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shown(epoch: float) -> str:
    """Write a number of epochs.

    >>> shown(3), shown(0.256)
    ('3', '0.26')
    """
    return f"{epoch:.0f}" if epoch == int(epoch) else f"{epoch:.2f}"


def mean_row(replicas: Sequence[Replica], rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean over replicas of what progress shows; of those that have not failed."""
    healthy = [row for replica, row in zip(replicas, rows, strict=True) if not replica.failure]
    return {name: float(np.mean([row[name] for row in healthy])) for name in ("loss", "reconstruction", "kl")}


def mean_of(report: Tensor) -> dict[str, float]:
    """Return what progress shows of some steps, ``(steps, R, terms)``: means over those that were taken."""
    taken = report[report[..., 0] > 0].double()
    reconstruction, kl = float(taken[:, 2].mean()), float(taken[:, len(STEP_TERMS) :].sum(-1).mean())
    return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
