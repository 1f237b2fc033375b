"""Prongs of a sample's jets, taken out and glued to jets of other prongs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray

from jets.kernels import cached, fingerprint
from jets.shapes.one_jet import momenta
from jets.shapes.sequence import belongs, prongs, sequence

Array = NDArray[np.floating]
MOST = 60
"""Particles that a prong keeps, the hardest."""
RADIUS = 0.9
"""Distance from the axis up to which a glued jet keeps particles [rad]."""
SOFTEST = 0.5
"""Least pT of a particle of a glued jet [GeV]."""
NEIGHBOURS = 30
"""A prong is drawn from so many next softer and harder ones."""


class Library(NamedTuple):
    """Prongs by rising pT.

    Attributes
    ----------
    pt
        ``(L,)`` [GeV].
    particles
        pT [GeV], rapidity and azimuth from the prong's axis [rad], ``(L, 60, 3)``, by falling pT, padded with zeros.
    """

    pt: Array
    particles: Array

    @classmethod
    def of(cls, jets: NDArray[np.floating], count: int, least: float) -> Library:
        """Return the kT prongs of jets ``(N, M, 3)``, ``count`` of each, above ``least`` pT [GeV]."""
        pt, particles = np.zeros((len(jets), count)), np.zeros((len(jets), count, MOST, 3))
        _take_out_all(np.ascontiguousarray(jets, np.float64), pt, particles)
        kept = np.flatnonzero(pt.ravel() > least)
        order = kept[np.argsort(pt.ravel()[kept], kind="stable")]
        return cls(pt.ravel()[order], particles.reshape(-1, MOST, 3)[order])

    def glued(self, wanted: Array, length: int, random: Generator) -> Array:
        """Return jets ``(N, length, 3)`` with prongs ``(N, n, 3)`` = pT, rapidity, azimuth, drawn by their pT.

        Each is one of the 61 nearest in pT, scaled to it with angles as 1/pT, within a factor of two, turned and
        mirrored at random.
        """
        near = np.searchsorted(self.pt, wanted[..., 0]) + random.integers(-NEIGHBOURS, NEIGHBOURS + 1, wanted.shape[:2])
        near = np.clip(near, 0, len(self.pt) - 1)
        turn, mirror = random.uniform(0, 2 * np.pi, near.shape), random.choice([-1.0, 1.0], near.shape)
        scale = wanted[..., 0] / self.pt[near]
        found = np.zeros((len(wanted), length, 3))
        moves = np.stack([scale, 1 / np.clip(scale, 0.5, 2), turn, mirror], -1)
        _glue_all(np.ascontiguousarray(wanted), near, moves, self.particles, found)
        return found


@njit(nogil=True)
def take_out(jet: Any, pt: Array, particles: Array) -> None:
    """Write pT ``(count,)`` and particles ``(count, 60, 3)`` of the prongs of a jet that has more particles."""
    n = 0
    while n < len(jet) and jet[n, 0] > 0:
        n += 1
    if n <= len(pt):
        return
    history = sequence(momenta(jet, n), 1)
    nodes = prongs(history, len(pt))
    of, filled = belongs(history, nodes), np.zeros(len(pt), np.int64)
    for a in range(len(pt)):
        pt[a] = history.place[nodes[a], 0]
    for i in range(n):
        a = of[i]
        if filled[a] < MOST:
            particles[a, filled[a], 0] = jet[i, 0]
            particles[a, filled[a], 1] = jet[i, 1] - history.place[nodes[a], 1]
            particles[a, filled[a], 2] = jet[i, 2] - history.place[nodes[a], 2]
            filled[a] += 1


@njit(nogil=True)
def glue(wanted: Array, near: NDArray[np.int64], moves: Array, library: Array, out: Array) -> None:
    """Write the particles of one jet by falling pT; ``moves`` (n, 4): scale of pT and of angles, turn, mirror."""
    found, count = np.empty((len(wanted) * MOST, 3)), 0
    for a in range(len(wanted)):
        scale, stretch, turn, mirror = moves[a]
        cosine, sine = math.cos(turn), math.sin(turn)
        for k in range(MOST):
            pt, eta, phi = library[near[a], k]
            if pt <= 0 or pt * scale < SOFTEST:
                break
            eta, phi = stretch * eta, stretch * mirror * phi
            x, y = wanted[a, 1] + cosine * eta - sine * phi, wanted[a, 2] + sine * eta + cosine * phi
            if math.hypot(x, y) < RADIUS:
                found[count, 0], found[count, 1], found[count, 2] = pt * scale, x, y
                count += 1
    order = np.argsort(-found[:count, 0])
    for k in range(min(count, len(out))):
        out[k] = found[order[k]]


def _cached(version: int) -> tuple[Any, Any]:
    """Return :func:`take_out` and :func:`glue` of many jets, cached on disk under a version."""

    def take_out_all(jets: np.ndarray, pt: np.ndarray, particles: np.ndarray) -> int:
        for i in range(len(jets)):
            take_out(jets[i], pt[i], particles[i])
        return version

    def glue_all(wanted: np.ndarray, near: np.ndarray, moves: np.ndarray, library: np.ndarray, out: np.ndarray) -> int:
        for i in range(len(wanted)):
            glue(wanted[i], near[i], moves[i], library, out[i])
        return version

    return cached(take_out_all, nogil=True), cached(glue_all, nogil=True)


_sources = [*Path(__file__).parent.glob("*.py"), *(Path(__file__).parent.parent / "shapes").glob("*.py")]
_take_out_all, _glue_all = _cached(fingerprint(*_sources))
