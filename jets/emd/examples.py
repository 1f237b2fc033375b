"""Pairs of clouds from the embedded jets, on which tests and benchmarks measure."""

from __future__ import annotations

import numpy as np

from jets.errors import UserError
from jets.loading import load


def clouds(n: int, count: int, seed: int = 0) -> np.ndarray:
    """Return ``(count, n, 3)`` float32 clouds with all n particles: QCD and top jets, several overlaid if n > 50.

    Columns are pT [GeV], eta and phi [rad] relative to the jet axis.

    Raises
    ------
    UserError
        If the sample has too few jets with so many particles.
    """
    jets = np.concatenate([load(f"sample:{kind}").constituents for kind in ("qcd", "top")])
    width = min(n, jets.shape[1])
    jets = jets[(jets[:, :, 0] > 0).sum(1) >= width]
    jets = jets[np.random.default_rng(seed).permutation(len(jets))]
    parts = [jets[k * count : (k + 1) * count, : n - k * width] for k in range(-(-n // width))]
    found = np.concatenate(parts, 1)
    if found.shape[:2] != (count, n):
        raise UserError(f"the sample has {len(jets)} jets of {width} particles; {count} clouds of {n} are too many")
    return np.ascontiguousarray(found, np.float32)


def unrelated(n: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of different jets, twice ``(count, n, 3)`` as :func:`clouds`: EMD about 0.2."""
    both = clouds(n, 2 * count, seed)
    return both[:count], both[count:]


def smeared(n: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return jets ``(count, n, 3)`` and copies whose angles are smeared by 0.04, pT by 10 %: EMD about 0.04."""
    x, random = clouds(n, count, seed), np.random.default_rng(seed + 1)
    y = x.copy()
    y[..., 0] *= np.exp(random.normal(0, 0.1, y.shape[:2]))
    y[..., 1:] += random.normal(0, 0.04, y[..., 1:].shape)
    return x, y


PAIRS = {"unrelated": unrelated, "smeared": smeared}
