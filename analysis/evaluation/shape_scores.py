"""Scores of jets that need no model: ``odd``, and what it has to be better than, ``mass`` and ``tau_pair``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.odd_of_run import MOST, odd_of
from analysis.measures.scores import Score
from analysis.measures.typicality import Bulk
from inference.run import Run
from inference.splits import split
from jets import Jets
from jets.shapes import NAMES, shapes

COMPARED = {"mass": ["ln m"], "tau_pair": ["tau21", "tau32"]}
"""Score -> the shapes of which it is the distance from the bulk."""

Array = NDArray[np.floating]


def shape_scores(run: Run, own: Jets, jets: Array) -> dict[Score, Array]:
    """Return ``odd``, ``mass`` and ``tau_pair`` of jets ``(N, M, 3)``, by the training jets of a run."""
    train = split(own, run.recipe.data, run.recipe.training.seed).train
    known, found = shapes(own.constituents[np.random.default_rng(0).permutation(train)[:MOST]]), shapes(jets)
    odd = odd_of(run, own)
    table: dict[Score, Array] = {} if odd is None else {Score("odd"): odd.score(found)}
    for name, columns in COMPARED.items():
        used = [NAMES.index(column) for column in columns]
        table[Score(name)] = Bulk.of(known[:, used]).distance(found[:, used])
    return table
