r"""How good the best of k trainings is, as one of n was chosen by a rule that sees no label.

A rule is a matrix of what training j says for training i, ``(n, n)``: of a set S it chooses the i of the largest
:math:`\sum_{j\in S} M_{ij}`, the first of those that tie. A number that each training has by itself stands on the
diagonal; agreement with the others stands beside it.

A choice among k is a U-statistic: the mean over all sets of k of the n. Its error is the jackknife's, which leaves out
each training, with all sets that hold it, in turn, but not less than that of n/k choices which share no training, whose
variance is the largest that a U-statistic has (Hoeffding, Annals of Mathematical Statistics 19 (1948) 293): where few
choices are wrong the jackknife alone is too small.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from analysis.measures.few import share_error
from analysis.measures.tagging import Estimate

Values = NDArray[np.floating]
Sets = NDArray[np.int64]
MOST = 20_000
"""Sets that are gone through; of more, as many drawn at random."""


def sets_of(n: int, k: int, most: int = MOST, seed: int = 0) -> Sets:
    """Return all sets of k of n, ``(sets, k)``, each rising; ``most`` drawn at random where there are more.

    >>> sets_of(3, 2).tolist()
    [[0, 1], [0, 2], [1, 2]]

    Raises
    ------
    ValueError
        k is not between 1 and n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"no {k} of {n} can be chosen from")
    if comb(n, k) <= most:
        return np.array(list(combinations(range(n), k)))
    order = np.random.default_rng(seed).random((most, n)).argpartition(k - 1)[:, :k]
    return np.sort(order, 1)


def own(values: Values) -> Values:
    """Return the rule that takes the largest of ``values`` ``(n,)``, ``(n, n)``; never one that is not finite."""
    return np.diag(np.where(np.isfinite(values), values, -np.finfo(float).max))


def agreement(correlation: Values) -> Values:
    """Return the rule that takes the one that agrees best with the others, of correlations ``(n, n)``."""
    return np.where(np.eye(len(correlation), dtype=bool), 0.0, np.nan_to_num(correlation))


def chosen(rule: Values, sets: Sets) -> Sets:
    """Return the training that a rule ``(n, n)`` chooses of each set ``(sets, k)``, ``(sets,)``.

    >>> chosen(own(np.array([0.1, 0.3, 0.2])), sets_of(3, 2)).tolist()
    [1, 2, 1]
    """
    said = np.stack([rule[sets[:, i, None], sets].sum(1) for i in range(sets.shape[1])], 1)
    return np.take_along_axis(sets, said.argmax(1)[:, None], 1)[:, 0]


def mean_over(outcome: Values, sets: Sets, n: int) -> Estimate:
    """Return the mean of what each choice is worth ``(sets,)``, and its jackknife error over the n trainings.

    The error is NaN where a set holds all of them. A share among single trainings has the binomial error:

    >>> found = mean_over(np.array([1.0, 0.0, 0.0, 0.0, 0.0]), sets_of(5, 1), 5)
    >>> round(found.value, 6), round(found.error, 6)
    (0.2, 0.2)
    """
    value, left = float(outcome.mean()), np.full(n, np.nan)
    for i in range(n):
        without = ~(sets == i).any(1)
        if without.any():
            left[i] = outcome[without].mean()
    return Estimate(value, float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())))


def share_chosen(wrong: NDArray[np.bool_], rules: Values, k: int) -> Estimate:
    """Return the share of choices among k trainings that are wrong, and its error.

    Parameters
    ----------
    wrong
        Whether a training is, ``(n,)``, or ``(cases, n)`` of several cases, over which the share is a mean.
    rules
        The rule, ``(n, n)`` or ``(cases, n, n)``.
    k
        Trainings to choose from.
    """
    n = wrong.shape[-1]
    sets, each = sets_of(n, k), wrong.reshape(-1, n)
    worth = [mine[chosen(rule, sets)] for mine, rule in zip(each, rules.reshape(-1, n, n), strict=True)]
    found = mean_over(np.mean(worth, 0), sets, n)
    return Estimate(found.value, float(np.fmax(found.error, share_error(found.value, len(each) * n / k))))
