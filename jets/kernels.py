"""Numba kernels that are compiled once and cached on disk until a source that they are made of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from numba import njit

from jets.processes import cores

CHUNK = 500
"""Rows that a thread takes at a time."""


def fingerprint(*sources: Path) -> int:
    """Return a 32-bit hash of the contents of source files."""
    content = b"".join(path.read_bytes() for path in sorted(sources))
    return int.from_bytes(hashlib.sha256(content).digest()[:4], "big")


def cached(function: Callable[..., Any], **options: Any) -> Any:
    """Return the function compiled by numba and cached on disk.

    Numba's cache notices changes of the function's own file and of its closure, but not of the functions it calls: let
    the closure hold their :func:`fingerprint`. The cache lies beside the function's file, in the user's cache folder
    where that is read-only, or in NUMBA_CACHE_DIR.
    """
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to cache in can be written
        return njit(**options)(function)


def in_threads(rows: int, part: Callable[[slice], None]) -> None:
    """Call ``part`` with slices that cover so many rows, on all cores: for kernels that release the interpreter."""
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(part, (slice(start, start + CHUNK) for start in range(0, rows, CHUNK))))
