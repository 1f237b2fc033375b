"""The fused kernel on the CPU: compiled once and cached on disk, its pairs shared among threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from jets.emd.pair import solve_pairs
from jets.emd.simd import LANES, OPTIONS
from jets.kernels import cached, fingerprint

#: The fewest pairs that a thread takes at a time.
CHUNK = 4


def _cached(version: int) -> Any:
    """Return `solve_pairs`, cached on disk under a version."""

    def solve_cached(
        x: np.ndarray,
        y: np.ndarray,
        pairs: np.ndarray,
        options: tuple,
        scratch: tuple,
        out: np.ndarray,
        gradients: tuple,
    ) -> int:
        solve_pairs(x, y, pairs, options, scratch, out, gradients)
        return version

    return cached(solve_cached, **OPTIONS)


_solve_cached = _cached(fingerprint(*Path(__file__).parent.glob("*.py")))


class _Scratch(threading.local):
    """A thread's working memory, 64-byte aligned, which grows with the largest cloud seen."""

    def __init__(self) -> None:
        self.capacity = 0

    def get(self, particles: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Return (buffer, origins, capacity) for clouds of at most this many particles, slack included."""
        needed = -(-particles // LANES) * LANES
        if needed > self.capacity:
            raw = np.zeros(3 * needed**2 + 22 * needed + 16, np.float32)
            start = (-raw.ctypes.data // 4) % 16
            self.buffer, self.origins = raw[start:], np.zeros((2, needed), np.int64)
            self.capacity = needed
        return self.buffer, self.origins, self.capacity


_scratch = _Scratch()
_pools: dict[int, ThreadPoolExecutor] = {}
if hasattr(os, "register_at_fork"):
    # A forked process, such as a data loader's worker, has none of its parent's threads.
    os.register_at_fork(after_in_child=_pools.clear)


def run(
    x: np.ndarray,
    y: np.ndarray,
    pairs: np.ndarray,
    *,
    p: int = 1,
    R: float = 1.0,
    normalise: bool = True,
    tolerance: float = 0.02,
    gradient: bool = False,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve chosen pairs of clouds.

    Parameters
    ----------
    x, y
        Clouds ``(N, n, 3)`` and ``(M, m, 3)``, C-contiguous float32: weight, eta, phi; already checked.
    pairs
        Pairs ``(B, 2)`` int64 of a row of x and a row of y.
    p, R, normalise, tolerance
        As in `jets.emd.emd`.
    gradient
        Whether the gradients are wanted too.
    threads
        How many threads share the pairs.

    Returns
    -------
    tuple
        ``(B, 3)`` float64 value, lower and upper bound; the gradients ``(B, n, 3)`` and ``(B, m, 3)`` float32 with
        respect to x and y, empty unless asked for.
    """
    count = len(pairs)
    out = np.empty((count, 3))
    shapes = ((count, *x.shape[1:]), (count, *y.shape[1:])) if gradient else ((0, 0, 3), (0, 0, 3))
    gradients = tuple(np.zeros(shape, np.float32) for shape in shapes)
    options = (p, 1.0 / R**p, normalise, tolerance, gradient)
    size = max(x.shape[1], y.shape[1]) + (0 if normalise else 1)

    def work(parts: Iterator[slice]) -> None:
        for part in parts:
            pieces = tuple(g[part] if gradient else g for g in gradients)
            _solve_cached(x, y, pairs[part], options, _scratch.get(size), out[part], pieces)

    parts = _parts(count, threads)
    shared = iter(parts)
    helpers = [_pool(threads).submit(work, shared) for _ in range(min(threads, len(parts)) - 1)]
    work(shared)
    for helper in helpers:
        helper.result()
    return out, gradients[0], gradients[1]


def _parts(count: int, threads: int) -> list[slice]:
    """Cut the pairs into ever smaller parts, so that threads that share them end together.

    >>> [part.stop - part.start for part in _parts(64, 2)]
    [16, 12, 9, 6, 5, 4, 4, 4, 4]
    """
    parts, start = [], 0
    while start < count:
        size = count if threads == 1 else max((count - start) // (2 * threads), CHUNK)
        parts.append(slice(start, min(start + size, count)))
        start += size
    return parts


def _pool(threads: int) -> ThreadPoolExecutor:
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads - 1, thread_name_prefix="emd")
    return _pools[threads]
