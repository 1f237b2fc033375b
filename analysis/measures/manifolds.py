"""Manifolds that a search can propose: products of real numbers, angles and a direction, and the steps between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.measures.topology import DELTA

MOST = (8, 2, 1)
"""Real numbers, angles and directions of a manifold at most."""
FACTOR = re.compile(r"([RST])(\d+)")


class Manifold(NamedTuple):
    """A product of so many real numbers, angles, and directions in space.

    >>> str(Manifold(2, 1, 0)), str(Manifold(0, 2, 1)), str(Manifold(0, 0, 0)), Manifold(2, 1, 1).dimension
    ('S1 x R2', 'T2 x S2', 'R0', 5)
    """

    reals: int
    angles: int
    directions: int

    @classmethod
    def of(cls, latent: str) -> Manifold:
        """Return the manifold of a latent string of such factors.

        >>> Manifold.of("S1 x R2 x S1")
        Manifold(reals=2, angles=2, directions=0)
        """
        counts = {"R": 0, "T": 0, "S": 0}
        for letter, size in FACTOR.findall(latent):
            kind = "T" if letter + size == "S1" else letter
            counts[kind] += 1 if kind == "S" else int(size)
        return cls(counts["R"], counts["T"], counts["S"])

    def __str__(self) -> str:
        angles = {0: "", 1: "S1"}.get(self.angles, f"T{self.angles}")
        reals = f"R{self.reals}" if self.reals or self.dimension == 0 else ""
        return " x ".join(filter(None, [angles, "S2" * self.directions, reals]))

    @property
    def dimension(self) -> int:
        """How many numbers it takes."""
        return self.reals + self.angles + 2 * self.directions

    @property
    def kinds(self) -> int:
        """How many kinds of factors it has."""
        return sum(count > 0 for count in self)

    @property
    def simplicity(self) -> tuple[int, ...]:
        """What is simpler comes first: low dimension, then one kind of factor, then closed before open.

        It orders as :data:`analysis.measures.topology.ORDER` does.

        >>> [str(m) for m in sorted(map(Manifold.of, ["R2", "S1 x R1", "R1", "T2", "S2", "S1"]), key=Manifold.key)]
        ['S1', 'R1', 'S2', 'T2', 'R2', 'S1 x R1']
        """
        return self.dimension, self.kinds, self.reals, -self.directions

    def key(self) -> tuple[int, ...]:
        """Return :attr:`simplicity`, for sorting."""
        return self.simplicity

    @property
    def grown(self) -> list[Manifold]:
        """With one factor more."""
        return self._steps([(1, 0, 0), (0, 1, 0), (0, 0, 1)])

    @property
    def changed(self) -> list[Manifold]:
        """With a factor less, and of the same dimension with one factor exchanged."""
        less = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
        exchanged = [(-1, 1, 0), (1, -1, 0)]
        pairs = [(reals, 2 - reals) for reals in range(3)]
        exchanged += [(sign * a, sign * b, -sign) for (a, b), sign in product(pairs, (1, -1))]
        return self._steps(less + exchanged)

    def _steps(self, steps: Sequence[tuple[int, int, int]]) -> list[Manifold]:
        found = [Manifold(*(a + b for a, b in zip(self, step, strict=True))) for step in steps]
        return [each for each in found if all(0 <= n <= most for n, most in zip(each, MOST, strict=True))]


class Gain(NamedTuple):
    """By how much one density describes held-out points better than another: mean and standard error [nat]."""

    mean: float
    error: float

    @classmethod
    def of(cls, log_p: NDArray[np.floating], other: NDArray[np.floating]) -> Gain:
        """Return the gain of ``log_p`` ``(N,)`` over ``other``, paired."""
        difference = log_p - other
        return cls(float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference))))

    @property
    def counts(self) -> bool:
        """Whether it is more than 0.025 nat and two errors."""
        return self.mean > max(DELTA, 2 * self.error)

    @property
    def loses(self) -> bool:
        """Whether it is a loss of more than that."""
        return -self.mean > max(DELTA, 2 * self.error)

    def __str__(self) -> str:
        return f"{self.mean:+.3g} +- {self.error:.1g} nat"


def better(new: Manifold, gain: Gain, old: Manifold) -> bool:
    """Whether a search goes over to ``new``: it describes points better, or as well and is simpler."""
    return gain.counts or (new.simplicity < old.simplicity and not gain.loses)
