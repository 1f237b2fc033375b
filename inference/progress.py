"""Progress of a training: a live line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO


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

    def __init__(self, epochs: int, jets: int, done: int = 0, stream: TextIO | None = None) -> None:
        self.epochs, self.jets, self.done = epochs, jets, done
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.start = self.last = time.perf_counter()
        self.first = done

    def update(self, epoch: int, row: dict[str, float]) -> None:
        """Show the state after ``epoch`` (counted from 1); a plain stream gets about ten lines in all."""
        now = time.perf_counter()
        final = epoch == self.epochs
        due = now - self.last > 0.2 if self.live else epoch % max(1, self.epochs // 10) == 0
        if not (due or final):
            return
        self.last = now
        rate = (epoch - self.first) * self.jets / (now - self.start)
        left = (self.epochs - epoch) * self.jets / rate
        text = (
            f"epoch {epoch}/{self.epochs}  {rate:,.0f} jets/s  {clock(left)} left  "
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
