r"""A score at given mass: p-values that do not depend on the mass, by conformal calibration on unlabelled jets.

A score s grows with the mass, the pT, or what else a jet is known by. First its mean and width at given conditions c
are taken out, :math:`r = (s - \mu(c))/\sigma(c)`, both linear in Legendre polynomials of the conditions' ranks. Then r
is compared with that of the k calibration jets that are nearest in the first condition:

.. math:: p = \frac{1 + \#\{i: r_i \ge r\}}{1 + k}.

For jets like those of the calibration p is uniform, whatever the score, at each mass (Vovk, Gammerman & Shafer,
*Algorithmic Learning in a Random World*, 2005, section 4.5: Mondrian predictors): exactly if r did not depend on c
among the k, nearly since the first step takes out what a finite window would leave, above all at the ends of the mass
range, where a window has one side only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]
NEIGHBOURS, PART = 400, 50
"""Calibration jets that a jet is compared with: 400, or a fiftieth of all where that is more."""
FEWEST = 100
"""Calibration jets below which there are no p-values."""
DEGREE = 5
"""Of the polynomials in the rank of each condition."""
ROUNDING = 1e-9
CHUNK = 1000
"""Jets that are compared at a time."""
NARROWEST = 0.1
"""Least width at given conditions, in units of the mean width."""


class Conditional(NamedTuple):
    """What is usual of a score at given conditions.

    Attributes
    ----------
    conditions
        Of n calibration jets, each condition sorted, ``(C, n)``.
    mean, width
        Coefficients of mu(c) and sigma(c), ``(P,)``.
    narrowest
        Least sigma(c).
    usual
        r of the calibration jets by rising first condition, ``(n,)``.
    """

    conditions: Values
    mean: Values
    width: Values
    narrowest: float
    usual: Values

    @classmethod
    def of(cls, score: Values, conditions: Values) -> Conditional:
        """Calibrate by scores ``(n,)`` and conditions ``(n, C)`` of unlabelled jets, that of most effect first.

        Jets without a score or a condition (NaN) are left out.

        Raises
        ------
        ValueError
            Fewer than 100 jets are left.
        """
        known = np.isfinite(score) & np.isfinite(conditions).all(1)
        if known.sum() < FEWEST:
            raise ValueError(f"{known.sum()} calibration jets with a score: at least {FEWEST} are needed")
        order = np.argsort(conditions[known, 0], kind="stable")
        score, conditions = score[known][order], conditions[known][order]
        ranked = np.sort(conditions, 0).T
        terms = polynomials(ranked, conditions)
        mean = np.linalg.lstsq(terms, score, rcond=None)[0]
        away = np.abs(score - terms @ mean)
        width = np.linalg.lstsq(terms, away, rcond=None)[0]
        narrowest = max(NARROWEST * float(away.mean()), float(np.finfo(float).tiny))
        return cls(ranked, mean, width, narrowest, standard(score, terms, mean, width, narrowest))

    def standard(self, score: Values, conditions: Values) -> Values:
        """Return r ``(N,)`` of scores ``(N,)`` at conditions ``(N, C)``."""
        return standard(score, polynomials(self.conditions, conditions), self.mean, self.width, self.narrowest)

    def p_value(self, score: Values, conditions: Values) -> Values:
        """Return the probability ``(N,)`` of so large a score at the same conditions; NaN without score or condition.

        >>> random = np.random.default_rng(0)
        >>> mass = random.normal(size=(4000, 1))
        >>> known = Conditional.of(mass[:, 0] + random.normal(size=4000), mass)
        >>> p = known.p_value(np.array([2.0, 4.0]), np.array([[0.0], [2.0]]))  # two standard deviations: 0.023
        >>> bool((p > 0.01).all() and (p < 0.05).all())
        True
        """
        return self.compared(score, conditions)[0]

    def odd(self, score: Values, conditions: Values) -> Values:
        """Return -ln p ``(N,)``, in ties ordered by r: larger is odder."""
        return self.judged(score, conditions)[0]

    def judged(self, score: Values, conditions: Values) -> tuple[Values, Values]:
        """Return :meth:`odd` and :meth:`p_value`, ``(N,)`` each."""
        p, r = self.compared(score, conditions)
        return -np.log(p) + 1e-3 * np.tanh(r / 10), p

    def compared(self, score: Values, conditions: Values) -> tuple[Values, Values]:
        """Return p-values and r, ``(N,)`` each."""
        r = self.standard(score, conditions)
        k = min(max(NEIGHBOURS, len(self.usual) // PART), len(self.usual))
        place = np.searchsorted(self.conditions[0], conditions[:, 0])
        first = np.clip(place - k // 2, 0, len(self.usual) - k)
        windows = np.lib.stride_tricks.sliding_window_view(self.usual, k)
        above = np.empty(len(r))
        for start in range(0, len(r), CHUNK):
            part = slice(start, start + CHUNK)
            above[part] = (windows[first[part]] >= r[part, None]).sum(1)
        return np.where(np.isfinite(r), (1 + above) / (1 + k), np.nan), r


def standard(score: Values, terms: Values, mean: Values, width: Values, narrowest: float) -> Values:
    """Return r ``(N,)`` of scores ``(N,)`` at conditions of which these are the terms ``(N, P)``."""
    away = score - terms @ mean
    away[np.abs(away) <= ROUNDING * np.abs(score)] = 0  # of a constant score nothing but rounding is left
    return away / np.maximum(terms @ width, narrowest)


def polynomials(sorted_conditions: Values, conditions: Values) -> Values:
    """Return 1 and the Legendre polynomials of each condition's rank, ``(N, P)``, of conditions ``(N, C)``."""
    columns = [np.ones((len(conditions), 1))]
    for known, own in zip(sorted_conditions, conditions.T, strict=True):
        rank = np.interp(own, known, np.linspace(-1, 1, len(known)))
        columns.append(np.polynomial.legendre.legvander(rank, DEGREE)[:, 1:])
    return np.hstack(columns)
