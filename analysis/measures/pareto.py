r"""The tail index of importance weights of any width, and what it does to the error of their mean.

The generalised Pareto distribution is fitted to the largest weights by the empirical Bayes estimate of Zhang & Stephens
(Technometrics 51 (2009) 316), with the prior and the size of the tail of Vehtari et al. 1507.02646 (sec. 3.1 and
appendix C). The weights stay logarithms throughout: where they span more than the range of a double, as log weights of
a standard deviation of 500 do, most of a tail is zero beside its largest member, and a fit to the weights themselves
says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Values = NDArray[np.floating]
FEWEST = 5
"""Members of a tail below which nothing can be fitted."""
PRIOR = 10, 0.5
"""Weight, in members of the tail, and centre of the prior on k."""


def tail_index(log_weight: Values) -> float:
    r"""Return :math:`\hat k` of log weights ``(draws,)``; infinite where they are no weights, or have no tail to fit.

    Weights of zero are allowed, NaN, infinite ones and zeros alone are not. Of weights that are all alike the index
    is 0. Where a quarter of the tail is tied with the threshold, as for weights of a few values, the threshold is
    lowered to the next smaller weight. Where one draw outweighs all others together, which a fit to a tail of alike
    weights and one large one may miss, the index is at least 1: nothing is known of the mean.

    >>> w = 0.3 * np.random.default_rng(0).exponential(size=100_000)  # exp(w) has the tail index 0.3
    >>> round(tail_index(w), 1), tail_index(np.full(100, np.nan))
    (0.3, inf)
    """
    largest = log_weight.max()
    if not np.isfinite(largest):  # of NaN too
        return np.inf
    if largest - log_weight.min() <= 1e-6:
        return 0.0
    excess = excesses(np.sort(log_weight - largest))
    if len(excess) < FEWEST:
        return np.inf
    return max(pareto_index(excess), 1.0 if logsumexp(log_weight - largest) < np.log(2) else -np.inf)


def excesses(ordered: Values) -> Values:
    """Return ln of what the largest weights exceed the threshold by, ascending, from ascending log weights."""
    draws = len(ordered)
    count = int(3 * draws**0.5) if draws > 225 else draws // 5
    tail, threshold = ordered[-count:], ordered[-count - 1]
    if tail[quarter(count)] == threshold:
        threshold = max(ordered[ordered < threshold], default=-np.inf)
    tail = tail[tail > threshold]
    return tail + np.log(-np.expm1(threshold - tail))


def quarter(count: int) -> int:
    """Return the place of the first quartile among ``count`` ordered numbers.

    >>> quarter(60)
    14
    """
    return int(count / 4 + 0.5) - 1


def pareto_index(log_excess: Values) -> float:
    r"""Return the shape k of the generalised Pareto distribution of excesses x from ``(n,)`` ascending ln x.

    The estimate averages :math:`\theta_i = 1/x_n - c_i/(3 x_q)`, x_q the first quartile, over its profile likelihood;
    :math:`k(\theta) = \langle\ln(1 - \theta x)\rangle` with :math:`1 - \theta x = (1 - x/x_n) + c\,x/(3x_q)`, of
    which both terms are kept as logarithms.
    """
    count = len(log_excess)
    grid = 30 + int(count**0.5)
    c = np.sqrt(grid / (np.arange(1, grid + 1) - 0.5)) - 1
    below = log_excess - log_excess[-1]
    beside = log_excess - log_excess[quarter(count)]
    with np.errstate(divide="ignore"):  # ln 0 at the largest excess
        rest = np.log(-np.expm1(below))
    k = np.logaddexp(rest, np.log(c / 3)[:, None] + beside).mean(1)
    reach = np.log(c / 3) + beside[-1]
    log_theta = np.maximum(reach, 0) + np.log(-np.expm1(-np.abs(reach)))  # of |theta| x_n
    likelihood = count * (log_theta - np.log(np.abs(k)) - k - 1)
    weight = np.exp(likelihood - logsumexp(likelihood))
    weight = np.where(weight >= 10 * np.finfo(float).eps, weight, 0)
    mean = np.log(weight @ c / weight.sum() / 3)
    found, (members, centre) = float(np.logaddexp(rest, mean + beside).mean()), PRIOR
    return (count * found + members * centre) / (count + members)


def widening(k: Values, draws: int) -> Values:
    r"""Return the factor on the standard error of a mean of weights whose variance need not exist, as ``k``.

    One up to :math:`\hat k = 1/2`, where the variance exists. Up to 0.7 the root mean square error falls as
    :math:`S^{-r/2}`, with

    .. math:: r = \frac{2(k-1)S^{2k+1} + (1-2k)S^{2k} + S^2}{(S-1)(S-S^{2k})}

    (Vehtari et al. 1507.02646, appendix B), so that :math:`S^{(1-r)/2}` is lacking. Above 0.7, where no number of draws
    in reach gives an error, infinite. One where k is NaN: too few draws to know it.

    >>> widening(np.array([0.4, 0.63, 0.71, np.nan]), 1000).round(1)
    array([1. , 2.9, inf, 1. ])
    """
    k, s = np.asarray(k, np.float64), float(draws)
    inside = np.clip(k, 0.5 + 1e-9, 0.7)
    power = s ** (2 * inside)
    rate = (2 * (inside - 1) * power * s + (1 - 2 * inside) * power + s**2) / ((s - 1) * (s - power))
    return np.select([k > 0.7, k > 0.5], [np.inf, s ** ((1 - rate) / 2)], 1.0)
