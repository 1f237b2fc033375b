r"""The least information about points at a resolution, exactly: what a training that has converged must find.

At resolution beta the least of :math:`J = \mathrm{KL} + \langle d^2\rangle/2\beta^2` over all codes is

.. math::
    J^*(\beta) = \min_q -E_x \ln \int q(dy)\,e^{-|x - y|^2/2\beta^2}

(Berger, Rate Distortion Theory, theorem 2.5.2), and KL follows with :math:`\langle d^2\rangle` of the minimising q. A
Gaussian has it in closed form (:func:`jets.toys.gaussian_optimum`). Of a circle or a sphere q is uniform on a smaller
one, which leaves one number to minimise over; of an interval q is found by the iteration of Blahut and Arimoto on a
grid; what factorises, as a box does, adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[np.float64]

STEPS = 600
"""Iterations, after which J of an interval moves by less than 1e-4 nat."""


def rate_of_circle(beta: Sequence[float] | Array, dimension: int = 1) -> Array:
    """Return the least KL of the unit circle, or with 2 of the unit sphere, at resolutions ``(B,)`` [nat]."""
    return np.array([of_one_radius(float(value), dimension) for value in beta])


def of_one_radius(beta: float, dimension: int) -> float:
    """Return the same at one resolution: q is uniform on a circle or sphere of the best radius."""
    place = (np.arange(20_000) + 0.5) / 20_000
    cosine, share = (np.cos(np.pi * place), 1 + 0 * place) if dimension == 1 else (1 - 2 * place**2, 2 * place)

    def found(radius: float) -> tuple[float, float]:
        square = 1 + radius**2 - 2 * radius * cosine
        weight = share * np.exp(-square / (2 * beta**2))
        return -float(np.log(weight.mean())), float((weight * square).sum() / weight.sum())

    best = minimize_scalar(lambda radius: found(radius)[0], bounds=(0, 1), method="bounded", options={"xatol": 1e-6})
    least, square = found(float(best.x))
    return least - square / (2 * beta**2)


@lru_cache(maxsize=1)
def interval() -> tuple[Array, Array]:
    """Return logarithms of resolutions in units of the length of an interval, and the least KL there."""
    ratios = np.geomspace(0.003, 1.5, 50)
    return np.log(ratios), np.array([on_a_grid(float(ratio)) for ratio in ratios])


def on_a_grid(beta: float) -> float:
    """Return the least KL of the interval [0, 1] at one resolution [nat]."""
    count = int(np.clip(8 / beta, 300, 2600))
    x, y = ((np.arange(n) + 0.5) / n for n in (count, count // 2))
    square = (x[:, None] - y) ** 2
    weight = np.exp(-square / (2 * beta**2))
    q = np.full(len(y), 1 / len(y))
    for _ in range(STEPS):
        q = q * (weight / (weight @ q)[:, None]).mean(0)
    total = weight @ q
    left = float((weight * q / total[:, None] * square).sum(1).mean())
    return -float(np.log(total).mean()) - left / (2 * beta**2)


def rate_of_intervals(beta: Sequence[float] | Array, lengths: Sequence[float]) -> Array:
    """Return the least KL of points uniform in a box of these lengths, at resolutions ``(B,)`` [nat]."""
    known, rate = interval()
    return np.sum([np.interp(np.log(np.asarray(beta) / length), known, rate) for length in lengths], 0)
