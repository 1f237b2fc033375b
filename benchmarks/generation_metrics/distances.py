"""Wasserstein, Fréchet and kernel distances between two samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

Values = NDArray[np.floating]


def masses(particles: Values) -> Values:
    """Return masses ``(N,)`` [jet pT] of massless particles ``(N, M, 3)`` = (eta, phi, share of pT)."""
    eta, phi, z = np.moveaxis(particles.astype(float), -1, 0)
    px, py, pz, energy = ((z * x).sum(1) for x in (np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)))
    return np.sqrt(np.maximum(0, energy**2 - px**2 - py**2 - pz**2))


def w1(x: Values, y: Values) -> float:
    r"""Return :math:`W_1=\int|F-G|` of two samples ``(N,)``, ``(M,)``."""
    return float(wasserstein_distance(x, y))


def w1_of_columns(x: Values, y: Values) -> Values:
    """Return W1 of each column of ``(N, K)`` and ``(M, K)``, ``(K,)``."""
    return np.array([w1(a, b) for a, b in zip(x.T, y.T, strict=True)])


def particle_features(particles: Values) -> Values:
    """Return eta, phi, share of pT of all particles of all jets, without the padding, ``(P, 3)``."""
    return particles[particles[..., 2] > 0]


def frechet(x: Values, y: Values) -> float:
    r"""Return :math:`|\mu_x-\mu_y|^2+\mathrm{tr}(C_x+C_y-2(C_xC_y)^{1/2})` of samples ``(N, K)``, ``(M, K)``."""
    shift = x.mean(0) - y.mean(0)
    cx, cy = np.atleast_2d(np.cov(x, rowvar=False)), np.atleast_2d(np.cov(y, rowvar=False))
    size, axes = np.linalg.eigh(cx)
    root = axes * np.sqrt(np.maximum(0, size)) @ axes.T
    values = np.linalg.eigvalsh(root @ cy @ root)
    return float(shift @ shift + np.trace(cx) + np.trace(cy) - 2 * np.sqrt(np.maximum(0, values)).sum())


def fpd(x: Values, y: Values, rng: np.random.Generator, points: int = 8, repeats: int = 4) -> float:
    r"""Return the Fréchet distance extrapolated to infinitely many jets.

    The plug-in value exceeds it by a term in 1/n (Chong & Forsyth 1911.07023). It is computed of n jets of each, drawn
    without replacement, for n from a quarter of them to all, and a straight line in 1/n followed to 0. Of equal
    distributions it is 0 on average and may be negative; jetnet's cannot, and draws with replacement.
    """
    most = min(len(x), len(y))
    sizes = (1 / np.linspace(4 / most, 1 / most, points)).round().astype(int)
    values = [
        np.mean([frechet(x[rng.permutation(len(x))[:n]], y[rng.permutation(len(y))[:n]]) for _ in range(repeats)])
        for n in sizes
    ]
    return float(np.polyfit(1 / sizes, values, 1)[1])


def kpd(x: Values, y: Values) -> float:
    r"""Return the unbiased squared maximum mean discrepancy with the kernel :math:`(x\cdot y/K+1)^4`."""

    def kernel(a: Values, b: Values) -> Values:
        return np.square(np.square(a @ b.T / a.shape[1] + 1))  # ** 4 takes ten times as long

    def within(a: Values) -> float:
        values = kernel(a, a)
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())
