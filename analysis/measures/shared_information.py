r"""The information that the latents of two models of the same jets share, in nats.

Draws of two posteriors of one jet are independent given the jet, so that

.. math:: I(z_a; z_b) = I(x; z_a) + I(x; z_b) - I(x; z_a, z_b)

where each term on the right lies between the two bounds of :func:`analysis.measures.information.bounds_of`, made of the
known densities of the posteriors. Nothing is fitted, and no relation between the latents is assumed. Numpy alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.measures.information import bounds_of, standard_error

Array = NDArray[np.floating]


class Code(NamedTuple):
    """Normal posteriors of N jets, one draw of each, their centres and widths, all ``(N, n)``."""

    z: Array
    centre: Array
    width: Array

    def log_density(self) -> Array:
        r"""Return :math:`\ln q(z_i|x_j)` up to a constant, ``(drawn, given)``."""
        precision = self.width**-2.0
        square = self.z**2 @ precision.T - 2 * self.z @ (self.centre * precision).T
        return -(square + (self.centre**2 * precision + 2 * np.log(self.width)).sum(1)) / 2


class Told(NamedTuple):
    """Lower and upper bound of I(x; z) [nat], ``(2,)``, and what each jet does to them, ``(2, N)``."""

    bounds: Array
    influence: Array


class Shared(NamedTuple):
    """Lower and upper bound of I(z_a; z_b) [nat], and the larger of their standard errors."""

    lower: float
    upper: float
    error: float


def told(*codes: Code) -> Told:
    """Return bounds on the information of codes of the same jets, together, on the jet."""
    ratio, influence = bounds_of(np.sum([code.log_density() for code in codes], 0))
    return Told(ratio.mean(1), influence)


def shared(first: Told, second: Told, both: Told) -> Shared:
    """Return bounds on the information that two codes share, from that of each and of both on the jet.

    The bounds hold in expectation; the lower one may fall below zero, the upper one above either code's own.

    >>> random = np.random.default_rng(0)
    >>> x, noise = random.normal(size=(500, 1)), random.normal(size=(2, 500, 1))
    >>> one, other = (Code(0.8 * x + 0.6 * own, 0.8 * x, np.full_like(x, 0.6)) for own in noise)
    >>> found = shared(told(one), told(other), told(one, other))
    >>> abs((found.lower + found.upper) / 2 + float(np.log(1 - 0.64**2)) / 2) < 2 * found.error  # both see x: 0.2635
    True
    """
    opposite = both.bounds[::-1], both.influence[::-1]
    lower, upper = (first.bounds + second.bounds - opposite[0]).tolist()
    error = standard_error(first.influence + second.influence - opposite[1])
    return Shared(lower, upper, float(error.max()))
