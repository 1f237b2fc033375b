"""Scores of jets that need no model: ``odd``, and what it has to be better than, ``mass`` and ``tau_pair``."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from analysis.measures.oddness import Odd
from analysis.measures.scores import Score
from analysis.measures.typicality import Bulk
from analysis.store import Missing
from jets.shapes import NAMES, shapes

MOST = 30_000
"""Unlabelled jets that the scores are fitted to, at most."""
COMPARED = {"mass": ["ln m"], "tau_pair": ["tau21", "tau32"]}
"""Score -> the shapes of which it is the distance from the bulk."""

Array = NDArray[np.floating]


def shape_scores(unlabelled: Array, jets: Array) -> dict[Score, Array]:
    """Return ``odd``, ``mass`` and ``tau_pair`` of jets ``(N, M, 3)``, by what is usual among unlabelled ones.

    Without scikit-learn, or of fewer than 400 unlabelled jets, there is no ``odd``, and a line on stderr says so.
    """
    training, found = unlabelled[:MOST], shapes(jets)
    known = shapes(training)
    table: dict[Score, Array] = {}
    try:
        table[Score("odd")] = Odd.of(training, known=known).score(found)
    except (ValueError, Missing) as error:
        print(f"no score odd: {error}", file=sys.stderr)
    for name, columns in COMPARED.items():
        own = [NAMES.index(column) for column in columns]
        table[Score(name)] = Bulk.of(known[:, own]).distance(found[:, own])
    return table
