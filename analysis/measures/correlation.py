"""How strongly two numbers of a jet, on the line or on the circle, depend on each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

Values = NDArray[np.floating]


def rank_correlation(x: Values, y: Values) -> float:
    """Return Spearman's rank correlation, -1 to 1: 1 if y rises with x, however it does."""
    return float(spearmanr(x, y).statistic)


def circular(a: Values, b: Values) -> float:
    r"""Return the correlation of two angles [rad], -1 to 1.

    .. math:: |\langle e^{i(a - b)}\rangle| - |\langle e^{i(a + b)}\rangle|

    1 if b is a turned by a constant, -1 if it also runs the other way round, near 0 for unrelated angles or ones that
    hardly vary. Jammalamadaka & SenGupta, Topics in Circular Statistics (2001), sec. 8.2, for angles without a
    preferred direction.

    >>> a = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    >>> round(circular(a, 1 - a), 6)
    -1.0
    """
    return float(abs(np.exp(1j * (a - b)).mean()) - abs(np.exp(1j * (a + b)).mean()))


def circular_linear(angle: Values, x: Values) -> float:
    r"""Return the multiple correlation of ranks of x with cosine and sine of an angle [rad], 0 to 1.

    .. math:: R^2 = \frac{r_{xc}^2 + r_{xs}^2 - 2 r_{xc} r_{xs} r_{cs}}{1 - r_{cs}^2}

    Mardia & Jupp, Directional Statistics (2000), eq. 11.2.1.
    """
    (_, xc, xs), (_, _, cs), _ = np.corrcoef([rankdata(x), np.cos(angle), np.sin(angle)])
    return float(np.sqrt((xc**2 + xs**2 - 2 * xc * xs * cs) / (1 - cs**2)))


def with_axis(angle: Values, axis: Values) -> float:
    """Return the correlation of an angle with a doubled one [rad]: the angle itself may go round once or twice."""
    return max(circular(angle, axis), circular(2 * angle, axis), key=abs)


CORRELATIONS: dict[tuple[str, str], Callable[[Values, Values], float]] = {
    ("real", "real"): rank_correlation,
    ("angle", "angle"): circular,
    ("angle", "real"): circular_linear,
    ("real", "angle"): lambda x, angle: circular_linear(angle, x),
    ("pair", "angle"): lambda pair, angle: circular(np.arctan2(pair[1], pair[0]), angle),
    ("angle", "axis"): with_axis,
    ("real", "axis"): lambda x, axis: circular_linear(axis, x),
    ("pair", "axis"): lambda pair, axis: with_axis(np.arctan2(pair[1], pair[0]), axis),
    ("pair", "real"): lambda pair, x: rank_correlation(np.hypot(*pair), x),
}
"""Kinds of the two -> their correlation; a pair ``(2, N)`` is a point of the plane, compared by its angle or radius."""


def linear_guess(features: Values, targets: Values) -> Values:
    """Return what a linear function of the features ``(N, n)`` guesses of the targets ``(N, k)``, same shape.

    By least squares, with a constant. Each half of the pairs is guessed by the function fitted to the other half, so
    that many features cannot seem to contain what they do not.
    """
    design, result = np.column_stack([features, np.ones(len(features))]), np.empty_like(targets)
    half = np.arange(len(features)) % 2 == 0
    for fitted in (half, ~half):
        result[~fitted] = design[~fitted] @ np.linalg.lstsq(design[fitted], targets[fitted], rcond=None)[0]
    return result


def binned_information(x: Values, y: Values) -> float:
    r"""Return the mutual information [nat] of two numbers from N pairs, at least zero.

    .. math:: I = \sum_{ij} p_{ij} \ln\frac{p_{ij}}{p_i p_j} - \frac{(n - 1)^2}{2N}

    over n x n cells of equally many ranks, :math:`n = N^{1/3}`, less the bias of so many cells (Miller 1955). It sees
    any dependence, not a rising one alone, and no change of scale. Cells of finite size lose some of a narrow one: at
    most :math:`\ln n` can be seen.

    >>> x = np.random.default_rng(0).normal(size=8000)
    >>> binned_information(x, np.random.default_rng(1).normal(size=8000)) < 0.02
    True
    """
    size = len(x)
    cells = max(2, round(size ** (1 / 3)))
    i, j = ((cells * (rankdata(v, "ordinal") - 1) / size).astype(int) for v in (x, y))
    joint = np.bincount(i * cells + j, minlength=cells * cells).reshape(cells, cells) / size
    alone = joint.sum(1, keepdims=True) * joint.sum(0)
    full = joint > 0
    found = (joint[full] * np.log(joint[full] / alone[full])).sum()
    return float(max(0.0, found - (cells - 1) ** 2 / (2 * size)))
