"""What the library says to its user, through the standard :mod:`logging`: one logger, ``jetvae``.

Notes (something was mended or is not used) are warnings, progress is INFO, and what only a developer wants is DEBUG.
Where a program has set up logging itself, its handlers get them; elsewhere they go to standard error.

>>> import logging
>>> logging.getLogger("jetvae").setLevel(logging.ERROR)  # as jetvae --quiet
>>> logging.getLogger("jetvae").setLevel(logging.INFO)
"""

from __future__ import annotations

import logging
import sys

import numpy as np
from numpy.typing import NDArray

from jets.errors import joined

LOG = logging.getLogger("jetvae")


class StandardError(logging.Handler):
    """Write notes as ``note: ...`` and all else as it is, unless the root logger has a handler, which then gets it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to what standard error is at this time."""
        if not logging.getLogger().handlers:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        text = super().format(record)
        if record.levelno < logging.INFO:
            return f"{record.module}: {text}"
        return f"note: {text}" if record.levelno == logging.WARNING else text


if not LOG.handlers:
    LOG.addHandler(StandardError())
    LOG.setLevel(logging.INFO)


def say(text: str) -> None:
    """Note what was mended, or is not used."""
    LOG.warning("%s", joined(text))


def inform(text: str) -> None:
    """Say what happens."""
    LOG.info("%s", text)


def first(bad: NDArray[np.bool_], what: str = "jets") -> str:
    """Say how many jets ``(N,)`` are bad, and which is the first."""
    return f"{bad.sum()} {what} (first: {what.removesuffix('s')} {bad.argmax()})"
