"""Notes to the user, on standard error: what was mended, and in how many jets."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from jets.errors import joined


def say(text: str) -> None:
    """Print what was mended, as every note of this project, to standard error."""
    print(f"note: {joined(text)}", file=sys.stderr)


def first(bad: NDArray[np.bool_], what: str = "jets") -> str:
    """Say how many jets ``(N,)`` are bad, and which is the first."""
    return f"{bad.sum()} {what} (first: {what.removesuffix('s')} {bad.argmax()})"
