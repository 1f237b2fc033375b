r"""Do the means of two samples differ? A permutation test of many numbers of each jet at once.

If both samples are drawn from one distribution, which of the two a jet belongs to is chance. So the labels are
permuted, and in each permutation the difference of the means is divided by its own error,

.. math::
    t = \frac{\bar s_2 - \bar s_1}{\sqrt{\sum_u \psi_u^2}}, \qquad
    \psi_u = \pm \sum_{j \in u} \frac{w_j (s_j - \bar s)}{\sum w}

with the sums of the jet's own sample. The test is exact where the distributions are equal, and asymptotically right
where only the means are: so much the division does (Janssen, Stat. Probab. Lett. 36 (1997) 9; Chung & Romano, Ann.
Statist. 41 (2013) 484). Units u stay whole: all jets of an event. Where an event has jets of both samples, its two
sides are exchanged; else the labels of events are. For many numbers the largest t of each permutation counts (Westfall
& Young, Resampling-Based Multiple Testing, 1993). Numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 2000
TOGETHER = 200
"""Permutations in one product of matrices."""
NOTHING = 1e-12
"""Spread of a number, as a share of its size, below which it is constant."""

Array = NDArray[np.float64]


class Sides(NamedTuple):
    """Sums over the jets that an event has in one sample: F events with jets of one sample, then G with both, twice.

    Attributes
    ----------
    value
        ``(F + 2 G, C)``, the sum of w s of C numbers s. The last G rows are the other sides of the G before.
    weight
        ``(F + 2 G,)``, the sum of w.
    second
        ``(F + 2 G,)``, whether it is of the second sample.
    both
        G.
    """

    value: Array
    weight: Array
    second: NDArray[np.bool_]
    both: int

    @classmethod
    def of(cls, values: Array, weights: Array, second: NDArray[np.bool_], unit: NDArray[np.int64]) -> Sides:
        """Sum the numbers ``(N, C)`` of N jets over the sides of their events, centred and in units of their spread."""
        side, inverse = np.unique(np.stack([unit, second], 1), axis=0, return_inverse=True)
        inverse = inverse.ravel()
        weight = np.zeros(len(side))
        np.add.at(weight, inverse, weights)
        value = np.zeros((len(side), values.shape[1]))
        np.add.at(value, inverse, weights[:, None] * standardised(values))
        counts = np.unique(side[:, 0], return_counts=True)[1]
        twice = np.repeat(counts, counts) == 2
        order = np.r_[np.flatnonzero(~twice), np.flatnonzero(twice)[::2], np.flatnonzero(twice)[1::2]]
        return cls(value[order], weight[order], side[order, 1].astype(bool), int((counts == 2).sum()))

    def permuted(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """Return a permutation of the labels, as ``second``."""
        alone = len(self.second) - 2 * self.both
        turned = random.random(self.both) < 0.5
        return np.r_[random.permutation(self.second[:alone]), turned, ~turned]


def standardised(values: Array) -> Array:
    """Return numbers ``(N, C)`` of mean zero and spread one over the jets; a constant one as zero."""
    middle, spread = values.mean(0), values.std(0)
    constant = spread <= NOTHING * np.abs(middle)
    return np.where(constant, 0.0, (values - middle) / np.where(constant, 1.0, spread))


def studentised(sides: Sides, second: NDArray[np.bool_]) -> Array:
    """Return t ``(P, C)`` for labels ``(P, F + 2 G)``; zero where the error is."""
    labels = [(~second).astype(float), second.astype(float)]
    value, weight = sides.value, sides.weight[:, None]
    sums = [own @ weight for own in labels]
    means = [own @ value / total for own, total in zip(labels, sums, strict=True)]
    square = np.zeros_like(means[0])
    for own, total, mean in zip(labels, sums, means, strict=True):
        square += (own @ value**2 - 2 * mean * (own @ (value * weight)) + mean**2 * (own @ weight**2)) / total**2
    if sides.both:
        square -= 2 * crossed(sides, labels, means) / (sums[0] * sums[1])
    difference, least = means[1] - means[0], NOTHING * (1 + square.max())
    return np.where(square > least, difference / np.sqrt(np.where(square > least, square, 1.0)), 0.0)


def crossed(sides: Sides, labels: list[Array], means: list[Array]) -> Array:
    """Return the sum over events with both of the products of their two deviations, ``(P, C)``."""
    one, other = slice(-2 * sides.both, -sides.both), slice(-sides.both, None)
    value, weight = sides.value, sides.weight[:, None]
    across = [labels[k][:, one] @ (value[one] * weight[other]) for k in (0, 1)]
    across = [across[k] + labels[k][:, other] @ (value[other] * weight[one]) for k in (0, 1)]
    fixed = (value[one] * value[other]).sum(0), (weight[one] * weight[other]).sum(0)
    return fixed[0] - means[1] * across[0] - means[0] * across[1] + means[0] * means[1] * fixed[1]


class Exchanged(NamedTuple):
    """Of C numbers.

    Attributes
    ----------
    t
        ``(C,)``, second less first.
    permuted
        ``(P, C)``, of the permutations.
    """

    t: Array
    permuted: Array

    def p(self, columns: slice | NDArray[np.int64] = slice(None)) -> float:
        """Return the p-value of the largest of some t."""
        largest = np.abs(self.t[columns]).max()
        return share_above(np.abs(self.permuted[:, columns]).max(1), largest)

    def critical(self, columns: slice | NDArray[np.int64] = slice(None), level: float = 0.05) -> float:
        """Return what the largest of some t exceeds with probability ``level`` where nothing differs."""
        return float(np.quantile(np.abs(self.permuted[:, columns]).max(1), 1 - level, method="higher"))

    def adjusted(self, columns: slice | NDArray[np.int64] = slice(None)) -> Array:
        """Return the p-value of each of some t, such that among those without a difference hardly one is small.

        The largest first, each against the largest of those not yet taken (step-down).
        """
        size, permuted = np.abs(self.t[columns]), np.abs(self.permuted[:, columns])
        order = np.argsort(-size)
        left = np.maximum.accumulate(permuted[:, order[::-1]], 1)[:, ::-1]
        found = np.empty(len(size))
        found[order] = np.maximum.accumulate([share_above(left[:, i], size[k]) for i, k in enumerate(order)])
        return found


def share_above(permuted: Array, value: float) -> float:
    """Return the share of permutations, the given one among them, that are as large.

    >>> share_above(np.array([1.0, 2.0, 3.0]), 2.0)
    0.75
    """
    return float((1 + (permuted >= value * (1 - 1e-9)).sum()) / (1 + len(permuted)))


def exchanged(
    values: Array,
    second: NDArray[np.bool_],
    *,
    weights: Array | None = None,
    unit: NDArray[np.int64] | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Exchanged:
    """Test whether the means of numbers differ between two samples.

    Parameters
    ----------
    values
        ``(N, C)``, C numbers of each of N jets of both samples.
    second
        ``(N,)``, whether a jet is of the second sample.
    weights
        ``(N,)``, how much each jet counts; by default all the same.
    unit
        ``(N,)``, the event of each jet; by default each is of its own.
    permutations, seed
        How many, and of which random numbers.
    """
    count = len(values)
    sides = Sides.of(
        np.asarray(values, np.float64),
        np.ones(count) if weights is None else np.asarray(weights, np.float64),
        second,
        np.arange(count) if unit is None else unit,
    )
    random = np.random.default_rng(seed)
    blocks = [studentised(sides, labels) for labels in drawn(sides, permutations, random)]
    return Exchanged(studentised(sides, sides.second[None])[0], np.concatenate(blocks))


def drawn(sides: Sides, permutations: int, random: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Yield permuted labels, ``(TOGETHER, F + 2 G)`` at a time."""
    for start in range(0, permutations, TOGETHER):
        yield np.stack([sides.permuted(random) for _ in range(min(TOGETHER, permutations - start))])
