r"""Sequential recombination of one jet's particles, kT or Cambridge/Aachen, and the prongs that it leaves.

.. math:: d_{ij} = \min(p_{T,i}, p_{T,j})^{2p}\,\Delta R_{ij}^2,

the closest two become one (E-scheme), until one is left: p = 1 is kT (Catani et al., Nucl. Phys. B 406 (1993) 187), p =
0 Cambridge/Aachen (hep-ph/9707323). There are no beam distances: the particles are one jet's. Of n particles nodes 0 to
n - 1 are the particles, n + s is what step s made, and 2n - 2 is the jet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
FAR = 1e30


class Sequence(NamedTuple):
    """The history of one jet of n particles.

    Attributes
    ----------
    momentum
        px, py, pz, E [GeV] of each node, ``(2n - 1, 4)``.
    place
        pT [GeV], rapidity, azimuth [rad] of each node, ``(2n - 1, 3)``.
    made_of
        The two nodes that each was made of, ``(2n - 1, 2)``; -1 of a particle.
    into
        The node that each went into, ``(2n - 1,)``; 2n - 1 of the jet.
    distance
        d_ij at which each node was made, ``(2n - 1,)``; 0 of a particle.
    """

    momentum: Array
    place: Array
    made_of: NDArray[np.int64]
    into: NDArray[np.int64]
    distance: Array


@njit(nogil=True)
def placed(momentum: Array, place: Array) -> None:
    """Set pT, rapidity and azimuth ``(3,)`` of a momentum ``(4,)``."""
    plus, minus = momentum[3] + momentum[2], momentum[3] - momentum[2]
    place[0] = math.hypot(momentum[0], momentum[1])
    place[1] = 0.5 * math.log(max(plus, 1e-12) / max(minus, 1e-12))
    place[2] = math.atan2(momentum[1], momentum[0])


@njit(nogil=True)
def mass_of(momentum: Array) -> float:
    """Return the mass [GeV] of a momentum ``(4,)``."""
    square = momentum[3] ** 2 - momentum[0] ** 2 - momentum[1] ** 2 - momentum[2] ** 2
    return math.sqrt(max(square, 0.0))


@njit(nogil=True)
def apart(one: Array, two: Array, power: int) -> float:
    """Return d_ij of two nodes at ``(3,)``."""
    around = abs(one[2] - two[2])
    around = min(around, 2 * math.pi - around)
    square = (one[1] - two[1]) ** 2 + around**2
    return square if power == 0 else square * min(one[0], two[0]) ** 2


@njit(nogil=True)
def nearest(distances: Array, row: int, count: int) -> int:
    """Return which of the others is nearest to an active node."""
    found = -1
    for other in range(count):
        if other != row and (found < 0 or distances[row, other] < distances[row, found]):
            found = other
    return found


@njit(nogil=True)
def sequence(particles: Array, power: int) -> Sequence:
    """Return the history of particles ``(n, 4)`` = px, py, pz, E [GeV], n at least 1.

    Every node that is left keeps its nearest one, so that a step visits only those whose nearest is gone.
    """
    n = len(particles)
    history, active = alone(particles), np.arange(n)
    distances = np.full((n, n), FAR)
    for i in range(n):
        for j in range(i):
            distances[i, j] = distances[j, i] = apart(history.place[i], history.place[j], power)
    near, least = np.empty(n, np.int64), np.full(n, FAR)
    for i in range(n):
        near[i] = nearest(distances, i, n)
        least[i] = distances[i, near[i]]
    for new in range(n, 2 * n - 1):
        first, last = 0, 2 * n - new - 1
        for i in range(last + 1):
            if least[i] < least[first]:
                first = i
        first, second = min(first, near[first]), max(first, near[first])
        join(history, new, active[first], active[second], distances[first, second])
        active[first], active[second] = new, active[last]
        for i in range(last):  # the last one takes the place of the second
            distances[second, i] = distances[i, second] = distances[last, i]
        distances[second, second] = FAR
        for i in range(last):
            if i != first:
                distances[first, i] = distances[i, first] = apart(history.place[new], history.place[active[i]], power)
        for i in range(last):
            was = near[last] if i == second else near[i]
            if i == first or was in (first, second):
                near[i] = nearest(distances, i, last)
            else:
                still = second if was == last else was
                near[i] = first if distances[i, first] < distances[i, still] else still
            least[i] = distances[i, near[i]]
    return history


@njit(nogil=True)
def alone(particles: Array) -> Sequence:
    """Return the history of particles ``(n, 4)`` before any two have become one."""
    n = len(particles)
    nodes = 2 * n - 1
    momentum, place = np.zeros((nodes, 4)), np.zeros((nodes, 3))
    for i in range(n):
        for c in range(4):
            momentum[i, c] = particles[i, c]
        placed(momentum[i], place[i])
    return Sequence(momentum, place, np.full((nodes, 2), -1), np.full(nodes, nodes), np.zeros(nodes))


@njit(nogil=True)
def join(history: Sequence, new: int, one: int, two: int, distance: float) -> None:
    """Make a new node of two."""
    history.distance[new] = distance
    history.made_of[new, 0], history.made_of[new, 1] = one, two
    history.into[one], history.into[two] = new, new
    for c in range(4):
        history.momentum[new, c] = history.momentum[one, c] + history.momentum[two, c]
    placed(history.momentum[new], history.place[new])


@njit(nogil=True)
def prongs(history: Sequence, count: int) -> NDArray[np.int64]:
    """Return the nodes that are left when there are ``count`` of them (as many as particles, if these are fewer)."""
    n = (len(history.into) + 1) // 2
    wanted = min(count, n)
    end = 2 * n - wanted
    found, k = np.empty(wanted, np.int64), 0
    for node in range(end):
        if history.into[node] >= end:
            found[k] = node
            k += 1
    return found


@njit(nogil=True)
def belongs(history: Sequence, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of the nodes, by number, each particle went into, ``(n,)``; -1 of none."""
    n = (len(history.into) + 1) // 2
    found = np.full(2 * n - 1, -1)
    for number in range(len(nodes)):
        found[nodes[number]] = number
    for node in range(2 * n - 2, n - 1, -1):
        if found[node] >= 0:
            for part in history.made_of[node]:
                found[part] = found[node]
    return found[:n]
