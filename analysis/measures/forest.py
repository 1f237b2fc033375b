"""Boosted trees as plain arrays: fitted by scikit-learn, kept and evaluated without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.measures.learning import scikit_learn
from jets.kernels import cached, fingerprint, in_threads

Array = NDArray[np.floating]
LEVELS = 255
"""Values of a column that trees distinguish."""


class Growth(NamedTuple):
    """How trees are grown: their number, learning rate, leaves of each, jets of a leaf at least, penalty of a value."""

    iterations: int = 150
    rate: float = 0.06
    leaves: int = 12
    fewest: int = 40
    ridge: float = 5.0
    members: int = 3
    """Classifiers of which the mean is taken."""


GROWTH = Growth()


class Forest(NamedTuple):
    """Trees whose values add up.

    Attributes
    ----------
    feature
        Column that a node splits, ``(T,)``; -1 of a leaf.
    threshold
        At or below it goes left, ``(T,)``; the value, of a leaf.
    left, right
        The next node, ``(T,)``.
    roots
        The first node of each tree, ``(K,)``.
    start
        What they are added to.
    """

    feature: NDArray[np.int64]
    threshold: Array
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    roots: NDArray[np.int64]
    start: float

    @classmethod
    def fitted(cls, x: Array, signal: NDArray[np.bool_], weight: Array, seed: int, growth: Growth = GROWTH) -> Forest:
        """Return the mean of several classifiers of ``x`` ``(N, F)``, each of four fifths of the rows.

        Raises
        ------
        Missing
            scikit-learn is not installed.
        """
        boosting = scikit_learn("ensemble", "HistGradientBoostingClassifier")
        random, x = np.random.default_rng(seed), np.column_stack([coarse(column) for column in x.T])
        found = []
        for member in range(growth.members):
            kept = random.random(len(x)) < 0.8
            model = boosting(
                max_iter=growth.iterations,
                learning_rate=growth.rate,
                max_leaf_nodes=growth.leaves,
                min_samples_leaf=growth.fewest,
                l2_regularization=growth.ridge,
                early_stopping=False,
                random_state=seed + member,
            )
            found.append(model.fit(x[kept], signal[kept], sample_weight=weight[kept]))
        return cls.of(found)

    @classmethod
    def of(cls, models: Sequence[Any]) -> Forest:
        """Return the mean of fitted histogram boosting classifiers of two classes."""
        trees = [tree[0].nodes for model in models for tree in model._predictors]
        roots = np.cumsum([0, *(len(tree) for tree in trees)])
        nodes = np.concatenate(trees)
        first = np.repeat(roots[:-1], [len(tree) for tree in trees])
        leaf = nodes["is_leaf"].astype(bool)
        return cls(
            np.where(leaf, -1, nodes["feature_idx"]),
            np.where(leaf, nodes["value"] / len(models), nodes["num_threshold"]),
            first + nodes["left"],
            first + nodes["right"],
            roots[:-1],
            float(np.mean([model._baseline_prediction for model in models])),
        )

    def assert_whole(self, features: int) -> None:
        """Assert that every node splits one of so many columns and leads further on: each walk ends at a leaf.

        Raises
        ------
        ValueError
            One does not.
        """
        inner = np.flatnonzero(self.feature >= 0)
        after = np.concatenate([self.left[inner], self.right[inner], self.roots])
        inside = (after >= 0).all() and (after < len(self.feature)).all() and (self.feature < features).all()
        onward = (self.left[inner] > inner).all() and (self.right[inner] > inner).all()
        if not (inside and onward and np.isfinite(self.threshold).all()):
            raise ValueError("the trees are damaged")

    def log_odds(self, x: Array) -> Array:
        """Return ln of signal over background, ``(N,)``, of rows ``(N, F)``; NaN of a row with NaN."""
        found = np.zeros(len(x))

        def part(rows: slice) -> None:
            _log_odds(np.ascontiguousarray(x[rows], np.float64), *self[:-1], found[rows])

        in_threads(len(x), part)
        return np.where(np.isnan(x).any(1), np.nan, found + self.start)


def coarse(column: Array) -> Array:
    """Return ``(N,)`` with at most 255 values, each for equally many rows.

    Trees see no more of a column anyway, but take long to find these values where rows have weights.

    >>> coarse(np.arange(1000.0))[[0, 1, 500, 999]].round().tolist()
    [2.0, 2.0, 500.0, 997.0]
    """
    levels = np.unique(np.quantile(column, (np.arange(LEVELS) + 0.5) / LEVELS))
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, column)]


@njit(nogil=True)
def value(row: Array, feature: Any, threshold: Any, left: Any, right: Any, root: int) -> float:
    """Return what one tree adds for a row ``(F,)``."""
    node = root
    while feature[node] >= 0:
        node = left[node] if row[feature[node]] <= threshold[node] else right[node]
    return threshold[node]


def _cached(version: int) -> Any:
    """Return the sum over trees for many rows, cached on disk under a version."""

    def add_up(
        x: np.ndarray,
        feature: np.ndarray,
        threshold: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        roots: np.ndarray,
        out: np.ndarray,
    ) -> int:
        for root in roots:
            for i in range(len(x)):
                out[i] += value(x[i], feature, threshold, left, right, root)
        return version

    return cached(add_up, nogil=True)


_log_odds = _cached(fingerprint(Path(__file__)))
