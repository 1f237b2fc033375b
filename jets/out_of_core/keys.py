"""A number for each jet that neither its place in a file nor the size of the file changes: of its event, or of itself.

Splits and samples are made of such keys: a jet is on one side of them in every sample that it is part of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

HARDEST = 8
"""Leading constituents that identify a jet; those that share them are taken for one."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step of SplitMix64."""


def keys(constituents: NDArray[np.float32], events: NDArray[np.int64] | None = None) -> Keys:
    r"""Return the key of each jet, ``(N,)``: of its event number; without event numbers of its leading constituents.

    Of words :math:`x_i` of 32 bits, the pT, eta, phi of the leading constituents, :math:`\sum_i a_i x_i \bmod 2^{64}`
    with odd random :math:`a_i` (multilinear hashing), mixed by SplitMix64. Padding does not change it. Of vectors
    ``(N, K)`` all numbers count.

    >>> jet = np.array([[[3, 0.1, 0], [1, 0, 0.2], [0, 0, 0]]], np.float32)
    >>> bool(keys(jet) == keys(jet[:, :2])), bool(keys(jet) == keys(2 * jet))
    (True, False)
    """
    if events is not None:
        return mixed(events.astype(np.int64).view(np.uint64))
    leading = constituents[:, :HARDEST] if constituents.ndim == 3 else constituents
    plain = np.ascontiguousarray(leading, np.float32) + np.float32(0)  # -0 becomes 0
    words = plain.reshape(len(plain), -1).view(np.uint32).astype(np.uint64)
    factors = mixed(np.arange(words.shape[1], dtype=np.uint64)) | np.uint64(1)
    return mixed((words * factors).sum(1, dtype=np.uint64))


def mixed(values: Keys) -> Keys:
    """Return values that differ in about half of their bits where ``values`` differ in one: SplitMix64's finaliser.

    Of Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), sec. 5.
    """
    z = values + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(found: Keys, *seeds: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each key, ``(N,)``, another for other seeds, as if drawn at random.

    >>> float(uniform(mixed(np.arange(10_000, dtype=np.uint64)), 0, 1).mean().round(2))
    0.5
    """
    salt = np.random.SeedSequence(seeds).generate_state(1, np.uint64)
    return (mixed(found ^ salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
