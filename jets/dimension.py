"""The correlation dimension of a sample, from the matrix of distances between its members.

How fast the number of neighbours within a distance Q grows with Q says how many dimensions the sample has at that
scale; no embedding and no coordinates are needed, so it works for jets under the Energy Mover's Distance.

``python -m jets.dimension figure.png`` draws it for the embedded QCD, W and top jets, in GeV, and for uniform balls
and Gaussians of known dimension.
"""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import numpy as np


class Dimension(NamedTuple):
    """Correlation dimension against scale, each ``(S,)``: scale, dimension, its error, fraction of pairs within."""

    scale: np.ndarray
    dimension: np.ndarray
    error: np.ndarray
    fraction: np.ndarray


def correlation_dimension(
    distances: np.ndarray, scales: np.ndarray, bootstrap: int = 50, seed: int = 0, least: int = 10
) -> Dimension:
    r"""Correlation dimension with bootstrap errors.

    .. math::
        \dim(Q) = \frac{\partial \ln C(Q)}{\partial \ln Q}, \qquad
        C(Q) = \frac{2}{N (N - 1)} \sum_{i < j} \Theta(d_{ij} < Q)

    as the slope between neighbouring scales [1]_ [2]_. Errors are standard deviations over resampled members, not
    pairs, for the pairs of one member are not independent.

    Parameters
    ----------
    distances
        Symmetric matrix ``(N, N)``.
    scales
        Increasing distances ``(S + 1,)`` in the matrix's unit; slopes are given at the ``(S,)`` geometric means.
    bootstrap
        Number of resamplings; at least two.
    seed
        Seed of the resampling.
    least
        A slope is NaN where fewer pairs than this lie within its lower scale.

    Returns
    -------
    Dimension
        Scale, dimension, error and fraction of pairs within the scale.

    Raises
    ------
    ValueError
        For a matrix that is not square, or scales that do not increase from above zero.

    References
    ----------
    .. [1] Grassberger, Procaccia, Characterization of Strange Attractors, https://doi.org/10.1103/PhysRevLett.50.346
    .. [2] Komiske, Metodiev, Thaler, The Metric Space of Collider Events, https://arxiv.org/abs/1902.02346, eq. (5)

    Examples
    --------
    >>> points = np.random.default_rng(0).random((500, 1))
    >>> found = correlation_dimension(np.abs(points - points.T), np.array([0.01, 0.03]))
    >>> bool(abs(found.dimension[0] - 1) < 0.1)
    True
    """
    distances, scales = np.asarray(distances), np.asarray(scales, float)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances have shape {distances.shape}; expected a square matrix (N, N)")
    if scales.ndim != 1 or len(scales) < 2 or scales[0] <= 0 or (np.diff(scales) <= 0).any():
        raise ValueError("scales must be at least two, positive and increasing")
    one, two = np.triu_indices(len(distances), 1)
    bins = np.searchsorted(scales, distances[one, two], side="right")
    near = bins < len(scales)
    one, two, bins = one[near], two[near], bins[near]
    count = np.bincount(bins, minlength=len(scales)).cumsum()[: len(scales)]
    random, size = np.random.default_rng(seed), len(distances)
    slopes = []
    for _ in range(bootstrap):
        times = np.bincount(random.integers(size, size=size), minlength=size)
        within = np.bincount(bins, times[one] * times[two], len(scales)).cumsum()[: len(scales)]
        slopes.append(_slopes(scales, within))
    enough = count[:-1] >= least
    spread = np.std(np.where(enough, slopes, 0.0), axis=0, ddof=1)
    fraction = np.sqrt(count[1:] * count[:-1]) / (size * (size - 1) / 2)
    slope = np.where(enough, _slopes(scales, count), np.nan)
    return Dimension(np.sqrt(scales[1:] * scales[:-1]), slope, np.where(enough, spread, np.nan), fraction)


def _slopes(scales: np.ndarray, within: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.diff(np.log(within)) / np.diff(np.log(scales))
    return np.where(np.isfinite(slope), slope, 0.0)


def takens_dimension(distances: np.ndarray, fraction: float = 1e-3) -> tuple[float, float]:
    r"""One dimension of a whole sample: the maximum-likelihood estimate from its closest pairs, and its error.

    .. math:: \hat D = -1 \Big/ \Big\langle \ln \frac{d_{ij}}{Q} \Big\rangle_{d_{ij} < Q}

    with Q such that this fraction of all pairs is closer [1]_. The error takes pairs as independent.

    Parameters
    ----------
    distances
        Symmetric matrix ``(N, N)``.
    fraction
        Fraction of the pairs that are used: fewer are noisier, more see the sample's boundary.

    References
    ----------
    .. [1] Takens, On the numerical determination of the dimension of an attractor, https://doi.org/10.1007/BFb0075637
    """
    pairs = np.sort(distances[np.triu_indices(len(distances), 1)])
    used = pairs[: max(int(fraction * len(pairs)), 3)]
    used = used[used > 0]
    dimension = -1 / np.log(used[:-1] / used[-1]).mean()
    return float(dimension), float(dimension / np.sqrt(len(used) - 1))


def ball(d: int, count: int, seed: int = 0) -> np.ndarray:
    """Draw points ``(count, d)`` uniformly from the unit ball in d dimensions."""
    random = np.random.default_rng(seed)
    direction = random.normal(size=(count, d))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * random.random((count, 1)) ** (1 / d)


def euclidean(points: np.ndarray) -> np.ndarray:
    """Distances ``(N, N)`` between points ``(N, d)``."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(points))


def ball_estimate(d: int, count: int, seed: int = 0) -> float:
    """Estimated dimension of a uniform d-ball from `count` points."""
    return takens_dimension(euclidean(ball(d, count, seed)))[0]


def jet_dimension(kind: str, count: int, scales: np.ndarray, pt: float, progress: bool = True) -> Dimension:
    """Correlation dimension of embedded jets under the EMD, every jet scaled to transverse momentum pt in GeV."""
    from jets.emd import pairwise
    from jets.hdf5 import load

    constituents = load(f"sample:{kind}").constituents[:count]
    return correlation_dimension(pt * pairwise(constituents, progress=progress), scales)


def main(arguments: list[str] | None = None) -> None:
    """Draw the figure."""
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", help="image file to write")
    parser.add_argument("--jets", type=int, default=2000, help="jets of each kind")
    parser.add_argument("--points", type=int, default=2000, help="points of each ball")
    parser.add_argument("--pt", type=float, default=600.0, help="transverse momentum of every jet in GeV")
    options = parser.parse_args(arguments)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    _draw_jets(left, options.jets, options.pt)
    _draw_balls(right, options.points)
    figure.savefig(options.figure, dpi=150)
    plt.close(figure)


def _draw_jets(axes: Any, count: int, pt: float) -> None:
    scales = np.geomspace(8, 300, 19)
    for kind, colour in (("qcd", "C0"), ("w", "C2"), ("top", "C3")):
        found = jet_dimension(kind, count, scales, pt)
        low, high = found.dimension - found.error, found.dimension + found.error
        axes.plot(found.scale, found.dimension, colour, label=f"{kind} ({count})")
        axes.fill_between(found.scale, low, high, color=colour, alpha=0.3, lw=0)
        print(kind, " ".join(f"{q:.0f} GeV: {d:.2f}+-{e:.2f}" for q, d, e in zip(*found[:3], strict=True)))
    axes.set(xscale="log", xlabel=f"energy scale Q [GeV], jets of {pt:g} GeV", ylabel="correlation dimension", ylim=0)
    axes.legend()


def _draw_balls(axes: Any, count: int) -> None:
    true = np.arange(1, 13)
    for number, style in ((count // 4, ":"), (count, "-"), (4 * count, "--")):
        found = [ball_estimate(int(d), number) for d in true]
        axes.plot(true, np.array(found) / true, style, color="C0", label=f"uniform balls, N = {number}")
        print("ball", number, " ".join(f"{d}: {f:.2f}" for d, f in zip(true, found, strict=True)))
    gauss = [np.random.default_rng(0).normal(size=(count, d)) for d in true]
    found = [takens_dimension(euclidean(points))[0] for points in gauss]
    axes.plot(true, np.array(found) / true, color="C1", label=f"Gaussians, N = {count}")
    print("Gaussian", count, " ".join(f"{d}: {f:.2f}" for d, f in zip(true, found, strict=True)))
    axes.axhspan(0.9, 1.1, color="0.9", zorder=0)
    axes.set(xlabel="true dimension", ylabel="estimated / true dimension", ylim=(0.4, 1.2))
    axes.legend()


if __name__ == "__main__":
    main()
