r"""Differences of D2 and KL between two samples at each resolution, with errors of the jets and of the trainings.

Where both samples hold the same jets (equal event numbers), the jets of the difference are resampled in pairs: what
both have in common, above all whether a jet is broad or narrow, cancels. Numpy and xarray alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.dimension_curves import AGREE, RESAMPLED, averaged, bootstrap_weights, shares
from analysis.measures.weighting import weight_of

LEAST = {"D2": AGREE, "kl": 0.05}
"""Difference, as a share of the mean of both, below which two samples count as equal.

D1 and D2 of one converged training may differ by as much; a KL, which adds dimensions up over scales, by half of it.
"""
SIGNIFICANT = 2.0
"""Errors that a difference must be away from zero to be called one."""
ABSENT = 0.16
"""Share of resamplings without a difference from which on none is claimed."""

CURVES = ("D2", "D1", "kl", "distortion")
FEWEST = 2
"""Jets that two samples must share to be paired."""

Array = NDArray[np.float64]


def paired(first: xr.Dataset, second: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset, bool]:
    """Return two measured samples reduced to the events that they share, in one order, and whether they share any.

    Without the coordinate ``event`` (jet), where an event has several jets, or without a common event, both are left as
    they are.
    """
    both = (first, second)
    if any("event" not in own.coords or len(np.unique(own["event"])) < own.sizes["jet"] for own in both):
        return first, second, False
    shared, one, other = np.intersect1d(first["event"], second["event"], assume_unique=True, return_indices=True)
    if len(shared) < FEWEST:
        return first, second, False
    return first.isel(jet=one), second.isel(jet=other), True


def compared(
    first: Sequence[xr.Dataset], second: Sequence[xr.Dataset], names: Sequence[str], seed: int = 0
) -> xr.Dataset:
    """Return D2, D1, KL and distortion of two samples, the differences second - first, and resampled differences.

    Parameters
    ----------
    first, second
        Trainings of each sample, seed by seed, from :func:`analysis.evaluation.resolutions.measure`; those of one
        seed are compared with each other, jet by jet where both have a coordinate ``event`` (:func:`paired`).
    names
        Of the samples.
    seed
        Of the resampling.

    Returns
    -------
    xarray.Dataset
        ``D2``, ``D1``, ``kl``, ``distortion`` (sample, beta) with ``_error``; their ``_difference`` (beta), with
        ``_error``, and with ``_error_of_jets``, the part that more jets would reduce; ``_draws`` of it (draw, beta).
        Errors: of the jets, by bootstrap, and the spread of single trainings, in quadrature; with one seed that spread
        is unknown, and not in.

    Raises
    ------
    ValueError
        The numbers of trainings or the resolutions differ.
    """
    grid = first[0]["beta"]
    if not all(np.array_equal(each["beta"], grid) for each in (*first, *second)):
        raise ValueError("both samples must be measured at the same resolutions")
    pairs = [paired(*both) for both in zip(first, second, strict=True)]
    together = all(pair for *_, pair in pairs)
    if not together:
        pairs = [(*both, False) for both in zip(first, second, strict=True)]
    random = np.random.default_rng(seed)
    variables: dict[str, tuple[tuple[str, ...], Array]] = {}
    for name in CURVES:
        curves = [
            [resampled(own, name, 2 * i + k * (not together)) for i, own in enumerate(sample)]
            for k, sample in enumerate(zip(*((one, other) for one, other, _ in pairs), strict=True))
        ]
        kinds = [Trained.of(own) for own in curves]
        gap = Trained.of([one.minus(other) for other, one in zip(*curves, strict=True)])
        variables[name] = (("sample", "beta"), np.stack([own.mean for own in kinds]))
        variables[f"{name}_error"] = (("sample", "beta"), np.stack([own.error for own in kinds]))
        variables[f"{name}_difference"] = (("beta",), gap.mean)
        variables[f"{name}_difference_error"] = (("beta",), gap.error)
        variables[f"{name}_difference_error_of_jets"] = (("beta",), gap.error_of_jets)
        variables[f"{name}_draws"] = (("draw", "beta"), gap.draws(random))
    jets = [min(own.sizes["jet"] for own in sample) for sample in zip(*(pair[:2] for pair in pairs), strict=True)]
    known = {"scale": first[0].attrs["scale"], "unit": first[0].attrs["unit"], "seeds": len(first)}
    known |= {"paired": int(together), "jets_measured": jets}
    return xr.Dataset(variables, {"beta": np.asarray(grid), "sample": list(names)}, known)


class Curve(NamedTuple):
    """A curve of one training: its mean over jets (beta,), and at resampled jets (draw, beta)."""

    mean: Array
    moved: Array

    def minus(self, other: Curve) -> Curve:
        """Return the difference of two curves whose jets were resampled alike, or independently."""
        return Curve(self.mean - other.mean, self.moved - other.moved)


class Trained(NamedTuple):
    """A curve of several trainings: their means (seed, beta), and each at resampled jets (seed, draw, beta)."""

    means: Array
    moved: Array

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> Trained:
        """Return the curves of several seeds."""
        return cls(np.stack([own.mean for own in curves]), np.stack([own.moved for own in curves]))

    @property
    def mean(self) -> Array:
        """The mean of the seeds, (beta,)."""
        return self.means.mean(0)

    @property
    def error_of_jets(self) -> Array:
        """The error of one training by its jets, (beta,)."""
        return np.sqrt(self.moved.var(1, ddof=1).mean(0))

    @property
    def error(self) -> Array:
        """The error of one training by its jets and its seed, (beta,)."""
        return np.sqrt(self.error_of_jets**2 + (self.means.var(0, ddof=1) if len(self.means) > 1 else 0.0))

    def draws(self, random: np.random.Generator) -> Array:
        """Return the mean moved by both errors, (draw, beta): jets of seeds in turn, and normal like the seeds."""
        turn = np.arange(RESAMPLED) % len(self.means)
        by_jets = self.moved[turn, np.arange(RESAMPLED)] - self.means[turn]
        if len(self.means) == 1:
            return self.mean + by_jets
        normal = random.normal(size=(RESAMPLED, len(self.means))) / np.sqrt(len(self.means) - 1)
        return self.mean + by_jets + normal @ (self.means - self.mean)


def resampled(measured: xr.Dataset, name: str, seed: int) -> Curve:
    """Return D2, D1, KL [nat] or distortion of one training, jets by their weights if any."""
    count, values = measured.sizes["jet"], of_jets(measured, name)
    share, weights = shares(count, weight_of(measured)), bootstrap_weights(count, seed)
    if share is not None:
        weights = weights * share / (weights * share).sum(1, keepdims=True)
    return Curve(averaged(values, share), weights @ values.T)


def of_jets(measured: xr.Dataset, name: str) -> Array:
    """Return D2, D1, KL [nat] or distortion of each jet, (beta, jet)."""
    if name == "kl":
        return np.asarray(measured["kl"].sum("kl_term"))
    if name == "D2":
        return -np.asarray(measured["kl_slope"])
    if name == "distortion":
        return np.asarray(measured["distortion"])
    power, beta = measured.attrs["power"], np.asarray(measured["beta"])[:, None]
    return np.asarray(measured["distortion_slope"]) / (power * beta**power)


class Scale(NamedTuple):
    """Below which resolution two samples differ: median and central 68 % of resamplings; NaN where none is seen."""

    value: float
    low: float
    high: float
    absent: float
    """Share of the resamplings without a difference."""


def onset(found: xr.Dataset, name: str) -> Scale:
    """Return the resolution below which a curve of two samples differs, all the way to the finest one.

    There the difference is more than ``LEAST`` of the mean of both; that of the two curves themselves must besides be
    ``SIGNIFICANT`` errors from zero at the finest resolution.
    """
    mean = np.asarray(found[name].mean("sample"))
    beta, least = np.asarray(found["beta"]), LEAST[name] * np.abs(mean)
    places = np.array([below(beta, np.abs(draw) / least) for draw in np.asarray(found[f"{name}_draws"])])
    absent = float(np.isnan(places).mean())
    gap, error = (np.asarray(found[f"{name}_difference{end}"])[0] for end in ("", "_error"))
    if absent > ABSENT or not abs(gap) > SIGNIFICANT * error:
        return Scale(np.nan, np.nan, np.nan, absent)
    low, middle, high = np.nanquantile(places, [0.16, 0.5, 0.84])
    return Scale(float(middle), float(low), float(high), absent)


def below(beta: Array, ratio: Array) -> float:
    """Return where a ratio first falls to one, from the finest resolution up, linear in ln beta; NaN: it starts lower.

    >>> float(below(np.array([1.0, np.e, np.e**2]), np.array([3.0, 2.0, 0.0]))).__round__(3)
    4.482
    """
    under = np.flatnonzero(~(ratio > 1))
    if len(under) and under[0] == 0:
        return float("nan")
    if not len(under):
        return float(beta[-1])
    fine, coarse = np.log(beta[under[0] - 1]), np.log(beta[under[0]])
    above, after = ratio[under[0] - 1], ratio[under[0]]
    part = (above - 1) / (above - after) if np.isfinite(after) else 1.0
    return float(np.exp(fine + part * (coarse - fine)))
