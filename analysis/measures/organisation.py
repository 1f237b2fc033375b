"""What it costs that a code is turned, or without order: nats beyond those of the best code."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]


def rotation_cost(precision: ArrayLike, rotation: ArrayLike) -> float:
    r"""Return the nats that a code costs more whose axes are turned, and whose posterior has no correlations.

    .. math:: \tfrac12\Bigl(\sum_i\ln(R\Lambda R^T)_{ii} - \ln\det\Lambda\Bigr) \ge 0

    with the precision :math:`\Lambda` ``(n, n)`` of the exact posterior, that of a linear Gaussian model: it is the KL
    from the best product of normals to the exact posterior (Hadamard's inequality; 0 along the principal axes).

    >>> round(rotation_cost([[4.0, 0.0], [0.0, 1.0]], np.eye(2)), 6)
    0.0
    """
    exact, turn = np.asarray(precision, float), np.asarray(rotation, float)
    turned = np.einsum("ij,jk,ik->i", turn, exact, turn)
    return float((np.log(turned).sum() - np.linalg.slogdet(exact)[1]) / 2)


def plane_rotation(size: int, first: int, second: int, angle: float) -> Array:
    """Return the matrix ``(size, size)`` that turns one axis into another by an angle [rad]."""
    result = np.eye(size)
    result[[first, second], [first, second]] = np.cos(angle)
    result[first, second], result[second, first] = -np.sin(angle), np.sin(angle)
    return result


def disorder_cost(pieces: int, beta: float, points: int = 2000) -> float:
    r"""Return the nats that a code of a line costs more whose pieces lie in disorder, at resolution ``beta``.

    Points are uniform on a line of length 1; the code is the line cut into equal pieces that are put together in
    another order, so that neighbours in the code are far from one another in the data. The exact posterior then lies in
    as many places as there are pieces within the resolution, and a posterior in one place can have one of them:

    .. math:: \Bigl\langle -\ln\max_k P(k|x)\Bigr\rangle_x, \qquad
        P(k|x) \propto \Phi\Bigl(\frac{b_k - x}\beta\Bigr) - \Phi\Bigl(\frac{a_k - x}\beta\Bigr)

    with the pieces :math:`[a_k, b_k]`; far more pieces than 1 / beta cost :math:`\ln\sqrt{2\pi}\beta` + ln pieces.

    >>> disorder_cost(1, 0.02)
    0.0
    """
    x = (np.arange(points) + 0.5) / points
    within = np.diff(ndtr((np.linspace(0, 1, pieces + 1) - x[:, None]) / beta), axis=1)
    return float(abs(np.log(within.max(1) / within.sum(1)).mean()))
