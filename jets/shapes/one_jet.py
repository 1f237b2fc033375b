"""The shapes of one jet, each as its definition has it; see :mod:`jets.shapes` for the equations."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jets.shapes.sequence import Sequence, mass_of, prongs, sequence

Array = NDArray[np.float64]
TINY, SMALL = 1e-6, 0.01
"""Added before logarithms: to N-subjettiness and distances; to mass ratios."""
FEWEST = 5
"""Particles below which a jet has no such shapes."""


class Correlators(NamedTuple):
    """Sums over pairs and triples of particles, angles in units of 2 m / pT."""

    e2: float
    e3: float
    v2: float


@njit(nogil=True)
def momenta(jet: Array, count: int) -> Array:
    """Return px, py, pz, E [GeV] ``(count, 4)`` of massless particles ``(M, 3)`` = pT, rapidity, azimuth."""
    found = np.empty((count, 4))
    for i in range(count):
        pt, eta, phi = jet[i]
        found[i] = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), pt * math.cosh(eta)
    return found


@njit(nogil=True)
def subjettiness(jet: Array, share: Array, history: Sequence, count: int) -> float:
    """Return the least of tau_N about kT prongs and about these axes after one step towards their medians [rad]."""
    nodes = prongs(history, count)
    axes = history.place[nodes][:, 1:].copy()
    lowest = math.inf
    for _ in range(2):
        total, sums = 0.0, np.zeros((len(axes), 3))
        for i in range(len(share)):
            best, near = math.inf, 0
            for a in range(len(axes)):
                square = (jet[i, 1] - axes[a, 0]) ** 2 + (jet[i, 2] - axes[a, 1]) ** 2
                if square < best:
                    best, near = square, a
            angle = math.sqrt(best)
            total += share[i] * angle
            weight = share[i] / max(angle, 1e-3)
            sums[near, 0] += weight
            sums[near, 1] += weight * jet[i, 1]
            sums[near, 2] += weight * jet[i, 2]
        lowest = min(lowest, total)
        for a in range(len(axes)):
            if sums[a, 0] > 0:
                axes[a] = sums[a, 1:] / sums[a, 0]
    return lowest


@njit(nogil=True, fastmath={"reassoc"})
def triples(pairs: Array, share: Array) -> tuple[float, float]:
    """Return e3 and 2e3 of particles with these shares ``(n,)`` of pT at these angles ``(n, n)``, one above the other.

    The innermost sums may be taken in any order, so that several are taken at once.
    """
    e3, v2 = 0.0, 0.0
    for i in range(len(share)):
        for j in range(i):
            a, both = pairs[i, j], share[i] * share[j]
            product, smallest = 0.0, 0.0
            for k in range(j):
                b, c = pairs[i, k], pairs[j, k]
                less, more = min(b, c), max(b, c)
                product += share[k] * b * c
                smallest += share[k] * min(a, less) * min(max(a, less), more)
            e3 += both * a * product
            v2 += both * smallest
    return e3, v2


@njit(nogil=True)
def correlators(jet: Array, share: Array, unit: float) -> Correlators:
    """Return the energy correlators of particles at ``(M, 3)`` with these shares of pT, angles in ``unit`` [rad]."""
    n = len(share)
    angle = np.zeros((n, n))
    e2 = 0.0
    for i in range(n):
        for j in range(i):
            angle[i, j] = math.sqrt((jet[i, 1] - jet[j, 1]) ** 2 + (jet[i, 2] - jet[j, 2]) ** 2) / unit
            e2 += share[i] * share[j] * angle[i, j]
    e3, v2 = triples(angle, share)
    return Correlators(e2, e3, v2)


@njit(nogil=True)
def at_rest(particles: Array, total: Array, mass: float) -> Array:
    """Return the momenta ``(n, 3)`` [GeV] of massless particles ``(n, 4)`` in the rest frame of their total."""
    speed, gamma = total[:3] / total[3], total[3] / mass
    square = (speed**2).sum()
    found = np.empty((len(particles), 3))
    for i in range(len(particles)):
        along = speed[0] * particles[i, 0] + speed[1] * particles[i, 1] + speed[2] * particles[i, 2]
        shift = (gamma - 1) * along / square - gamma * particles[i, 3]
        for c in range(3):
            found[i, c] = particles[i, c] + shift * speed[c]
    return found


@njit(nogil=True)
def third_moment(rest: Array) -> float:
    """Return the Fox-Wolfram moment H3 of momenta ``(n, 3)`` of massless particles at rest."""
    size = np.sqrt((rest**2).sum(1))
    found, whole = 0.0, size.sum()
    for i in range(len(rest)):
        found += size[i] ** 2
        for j in range(i):
            product = rest[i, 0] * rest[j, 0] + rest[i, 1] * rest[j, 1] + rest[i, 2] * rest[j, 2]
            cosine = product / max(size[i] * size[j], 1e-30)
            found += 2 * size[i] * size[j] * (2.5 * cosine**3 - 1.5 * cosine)
    return found / whole**2


@njit(nogil=True)
def second_emission(history: Sequence, unit: float) -> float:
    """Return the second largest ln kT of the primary Lund plane, z dR in ``unit`` [rad], at least -9.

    ``history`` by Cambridge/Aachen, from which the harder branch is followed.
    """
    first, second = -9.0, -9.0
    node = len(history.into) - 1
    while history.made_of[node, 0] >= 0:
        hard, soft = history.made_of[node]
        if history.place[hard, 0] < history.place[soft, 0]:
            hard, soft = soft, hard
        one, two = history.place[hard], history.place[soft]
        turn = abs(one[2] - two[2])
        angle = math.hypot(one[1] - two[1], min(turn, 2 * math.pi - turn)) / unit
        found = math.log(two[0] / (one[0] + two[0]) * angle + TINY)
        if found > first:
            first, second = found, first
        elif found > second:
            second = found
        node = hard
    return second


@njit(nogil=True)
def describe(jet: Array, out: Array) -> None:
    """Write ln m, ln pT and the shapes of a jet ``(M, 3)``, in the order of :data:`jets.shapes.NAMES`; NaN where none.

    A jet of fewer than five particles, or lighter than 1 GeV, has none.
    """
    out[:] = np.nan
    n = 0
    while n < len(jet) and jet[n, 0] > 0:
        n += 1
    if n < FEWEST:
        return
    particles = momenta(jet, n)
    total = np.array([particles[:, c].sum() for c in range(4)])
    mass, pt = mass_of(total), math.hypot(total[0], total[1])
    if not mass >= 1:
        return
    share, unit = jet[:n, 0] / jet[:n, 0].sum(), 2 * mass / pt
    history = sequence(particles, 1)
    tau = np.array([subjettiness(jet, share, history, count) for count in range(1, 5)]) + TINY
    pairs = correlators(jet, share, unit)
    two, three = prongs(history, 2), prongs(history, 3)
    lightest = math.inf
    for a in range(3):
        for b in range(a):
            lightest = min(lightest, mass_of(history.momentum[three[a]] + history.momentum[three[b]]))
    heavier = max(mass_of(history.momentum[two[0]]), mass_of(history.momentum[two[1]]))
    out[0], out[1] = math.log(mass), math.log(pt)
    out[2], out[3], out[4] = math.log(tau[1] / tau[0]), math.log(tau[2] / tau[1]), math.log(tau[3] / tau[2])
    out[5] = third_moment(at_rest(particles, total, mass))
    out[6], out[7] = math.log((pairs.e3 + 1e-9) / pairs.e2**2), math.log((pairs.e3 + 1e-9) / pairs.e2**3)
    out[8] = math.log((pairs.v2 + 1e-9) / pairs.e2**2)
    out[9] = second_emission(sequence(particles, 0), unit)
    out[10] = math.log(n)
    out[11], out[12] = math.log(heavier / mass + SMALL), math.log(lightest / mass + SMALL)
    out[13] = 0.5 * math.log(history.distance[2 * n - 3] + TINY) - math.log(mass)
