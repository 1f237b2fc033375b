"""Four-momenta of jets to constituents about their axes, in one pass over memory (numba)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets.kernels import cached


def sums(p4, softest, total, counts):  # noqa: ANN001, ANN201
    """Fill in the sums ``(n, 4)`` and the numbers of particles ``(n,)`` of pT at least ``softest``."""
    for i in range(p4.shape[0]):
        for j in range(p4.shape[1]):
            px, py = np.float64(p4[i, j, 0]), np.float64(p4[i, j, 1])
            total[i, 0] += px
            total[i, 1] += py
            total[i, 2] += np.float64(p4[i, j, 2])
            total[i, 3] += np.float64(p4[i, j, 3])
            if px * px + py * py >= softest * softest:
                counts[i] += 1


def rapidity(px, py, pz, energy):  # noqa: ANN001, ANN201
    """Return the rapidity of a momentum, with an energy of at least ``|p|``."""
    energy2 = max(energy * energy, px * px + py * py + pz * pz)
    y = 0.5 * math.log((math.sqrt(energy2) + abs(pz)) ** 2 / (energy2 - pz * pz))
    return y if pz >= 0 else -y


def relative(p4, softest, axes, rows, counts, result, near):  # noqa: ANN001, ANN201
    """Fill in constituents ``(len(rows), M, 3)`` by falling pT about axes (y, phi); return whether all are ``near``."""
    turn = 2 * math.pi
    most = p4.shape[1]
    pt, place = np.empty(most, np.float32), np.empty(most, np.int64)  # equal ones of the file stay equal, and in order
    all_near = True
    for k in range(len(rows)):
        i, held, falling = rows[k], 0, True
        for j in range(most):
            px, py = np.float64(p4[i, j, 0]), np.float64(p4[i, j, 1])
            if px * px + py * py >= softest * softest:
                pt[held], place[held] = math.sqrt(px * px + py * py), j
                falling &= held == 0 or pt[held] <= pt[held - 1]
                held += 1
        order = np.arange(held) if falling else np.argsort(-pt[:held], kind="mergesort")
        for m in range(counts[k]):
            j = place[order[m]]
            px, py = np.float64(p4[i, j, 0]), np.float64(p4[i, j, 1])
            y = rapidity(px, py, np.float64(p4[i, j, 2]), np.float64(p4[i, j, 3])) - axes[k, 0]
            phi = math.atan2(py, px) - axes[k, 1]
            phi += turn if phi < -math.pi else -turn if phi >= math.pi else 0.0
            result[k, m, 0], result[k, m, 1], result[k, m, 2] = pt[order[m]], y, phi
            all_near &= abs(y) <= near and abs(phi) <= near
    return all_near


def used(values):  # noqa: ANN001, ANN201
    """Return how many numbers of rows ``(n, K)``, seen as whole ones, stand in front of the zeros that end all rows."""
    most = 0
    for i in range(values.shape[0]):
        any_bits = values.dtype.type(0)
        for j in range(most, values.shape[1]):  # a sum that LLVM turns into vectors, unlike a search
            any_bits |= values[i, j]
        if any_bits != 0:
            last = values.shape[1]
            while values[i, last - 1] == 0:
                last -= 1
            most = last
    return most


def turned(values, result):  # noqa: ANN001, ANN201
    """Fill in (px, py, pz, E) of (E, px, py, pz), of as many particles as the result has."""
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            for k in range(4):
                result[i, j, k] = values[i, j, (k + 1) % 4]


OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
rapidity = cached(rapidity, **OPTIONS)
relative, sums = cached(relative, **OPTIONS), cached(sums, **OPTIONS)
used, turned = cached(used, **OPTIONS), cached(turned, **OPTIONS)


def energy_last(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (px, py, pz, E) of lists of (E, px, py, pz), without the zeros that end all of them.

    >>> energy_last(np.array([[[5.0, 1, 2, 3], [0, 0, 0, 0]]])).tolist()
    [[[1.0, 2.0, 3.0, 5.0]]]
    """
    bits = values.reshape(len(values), -1).view(f"u{values.itemsize}")
    result = np.empty((len(values), -(-used(bits) // 4), 4), values.dtype)
    turned(values, result)
    return result


def summed(p4: NDArray[np.floating], softest: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return sums ``(n, 4)`` of particles ``(n, M, 4)``, and how many have a pT of at least ``softest``, ``(n,)``."""
    total, counts = np.zeros((len(p4), 4)), np.zeros(len(p4), np.int64)
    sums(p4, softest, total, counts)
    return total, counts


def about(
    p4: NDArray[np.floating],
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    axes: NDArray[np.float64],
    softest: float,
    near: float,
) -> tuple[NDArray[np.float32], bool]:
    """Return pT [GeV], rapidity and azimuth about the jets' axes by falling pT, ``(len(rows), M, 3)``, zero padded.

    Parameters
    ----------
    p4
        ``(n, M, 4)``, (px, py, pz, E) [GeV].
    rows, counts
        Which jets, and how many of their particles have a pT of at least ``softest`` [GeV].
    axes
        ``(len(rows), 2)``, rapidity and azimuth [rad].
    softest, near
        pT [GeV] of the softest particle; distance [rad].

    Returns
    -------
    The constituents, and whether all are within ``near`` of their axis, in rapidity and azimuth.
    """
    result = np.zeros((len(rows), int(counts.max(initial=0)), 3), np.float32)
    return result, bool(relative(p4, softest, axes, rows, counts, result, near))
