"""Progress of a pass over many jets: a live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

LIVE, PLAIN = 0.5, 20.0
"""Seconds between two lines on a terminal, and elsewhere."""


class Progress:
    """Says how many of ``total`` jets are surveyed, the rate and the time left; nothing of what is done at once."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total, self.stream = total, sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.start = self.last = time.perf_counter()
        self.shown = False

    def update(self, done: int) -> None:
        """Say that so many are done."""
        now = time.perf_counter()
        final = done >= self.total
        if now - self.last < (LIVE if self.live else PLAIN) and not (final and self.shown):
            return
        self.last, self.shown = now, True
        rate = done / (now - self.start)
        left = (self.total - done) / rate
        text = f"survey: {done:,} of {self.total:,} jets  {rate:,.0f} jets/s  {left:,.0f} s left"
        self.stream.write(f"\r\x1b[K{text}" + "\n" * final if self.live else f"{text}\n")
        self.stream.flush()
