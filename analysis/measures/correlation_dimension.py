"""The correlation dimension of a sample, from the matrix of distances between its members.

How fast the number of neighbours within a distance Q grows with Q says how many dimensions the sample has at that
scale; no embedding and no coordinates are needed, so it works for jets under the Energy Mover's Distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist

from jets import toys

KINDS = ("ball", "gaussian")
"""Samples of known dimension."""
TRUE = np.arange(1, 13)
"""Dimensions of the balls and Gaussians."""
SHOWN = (2, 4, 8, 12)
"""Dimensions whose estimate is shown against the number of points."""


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
        For a matrix that is not square or holds NaN, fewer than two members, or scales that do not increase from above
        zero.

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
    if len(distances) < 2 or np.isnan(distances).any():
        raise ValueError("distances must be numbers between at least two members")
    if (
        scales.ndim != 1
        or len(scales) < 2
        or not (scales[0] > 0 and (np.diff(scales) > 0).all() and scales[-1] < np.inf)
    ):
        raise ValueError("scales must be at least two, positive, finite and increasing")
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


def takens_dimension(distances: np.ndarray, closest: int = 2000) -> tuple[float, float]:
    r"""One dimension of a whole sample: the maximum-likelihood estimate from its closest pairs, and its error.

    NaN of fewer than two pairs at different distances.

    .. math:: \hat D = -1 \Big/ \Big\langle \ln \frac{d_{ij}}{Q} \Big\rangle_{d_{ij} < Q}

    with Q the distance of the last of the closest pairs [1]_. The error takes pairs as independent.

    Parameters
    ----------
    distances
        Symmetric matrix ``(N, N)``, or its upper half as `scipy.spatial.distance.pdist` gives it.
    closest
        Number of pairs used: fewer are noisier, the relative error is one over its root; more see the boundary.

    References
    ----------
    .. [1] Takens, On the numerical determination of the dimension of an attractor, https://doi.org/10.1007/BFb0075637

    Examples
    --------
    >>> points = np.random.default_rng(0).random((500, 1))
    >>> dimension, error = takens_dimension(np.abs(points - points.T))
    >>> bool(abs(dimension - 1) < 3 * error)
    True
    """
    pairs = distances if distances.ndim == 1 else distances[np.triu_indices(len(distances), 1)]
    used = np.sort(np.partition(pairs, closest)[:closest] if closest < len(pairs) else pairs)
    used = used[used > 0]
    if len(used) < 2 or used[0] == used[-1]:
        return np.nan, np.nan
    dimension = -1 / np.log(used[:-1] / used[-1]).mean()
    return float(dimension), float(dimension / np.sqrt(len(used) - 1))


def known_ratio(kind: str, d: int, number: int, seeds: int = 3) -> tuple[float, float]:
    """Return mean and spread over seeds of the estimated over the true dimension of balls or Gaussians.

    >>> ratio, spread = known_ratio("ball", 1, 500)
    >>> bool(abs(ratio - 1) < 0.1)
    True
    """
    make = {"ball": toys.ball, "gaussian": lambda d, n, seed: toys.gaussian(np.ones(d), n, seed)}[kind]
    ratios = [takens_dimension(pdist(make(d, number, seed).points))[0] / d for seed in range(seeds)]
    return float(np.mean(ratios)), float(np.std(ratios, ddof=1))


def known_samples(numbers: Sequence[int], seeds: int = 3) -> xr.Dataset:
    """Return how well :func:`takens_dimension` does on balls and Gaussians of known dimension.

    ``ratio`` and ``spread`` (kind, dimension), of 2,000 points or the most of ``numbers``; ``ratio_by_number`` and
    ``spread_by_number`` (kind, shown, number) of some dimensions: estimated over true, and its spread over seeds.
    """
    points = min(2000, max(numbers))
    by_dimension = [[known_ratio(kind, int(d), points, seeds) for d in TRUE] for kind in KINDS]
    by_number = [[[known_ratio(kind, d, n, seeds) for n in numbers] for d in SHOWN] for kind in KINDS]
    tables = {"": (("kind", "dimension"), by_dimension), "_by_number": (("kind", "shown", "number"), by_number)}
    variables = {
        f"{name}{suffix}": (dims, np.asarray(values)[..., i])
        for suffix, (dims, values) in tables.items()
        for i, name in enumerate(("ratio", "spread"))
    }
    labels = {"kind": list(KINDS), "dimension": TRUE, "shown": list(SHOWN), "number": list(numbers)}
    return xr.Dataset(variables, labels, {"points": points})


def describe(found: Mapping[str, Dimension], known: xr.Dataset) -> list[str]:
    """Return the lines of numbers beside the figure: of each class, and of the known samples."""
    lines = [
        f"{name}: " + ", ".join(f"{q:.0f} GeV: {d:.2f}+-{e:.2f}" for q, d, e, _ in zip(*curve, strict=True))
        for name, curve in found.items()
    ]
    for kind in KINDS:
        ratio = known["ratio"].sel(kind=kind)
        values = ", ".join(f"{int(d)}: {float(ratio.sel(dimension=d)):.2f}" for d in known["dimension"])
        lines.append(f"{kind}, {known.attrs['points']} points: {values}")
        for d in known["shown"].values:
            one = known["ratio_by_number"].sel(kind=kind, shown=d)
            lines.append(
                f"{kind} {d}: " + ", ".join(f"{int(n)}: {float(one.sel(number=n)):.2f}" for n in known["number"])
            )
    return lines
