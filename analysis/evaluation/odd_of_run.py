"""The score ``odd`` of a run's own unlabelled training jets: fitted once, and kept in the run's folder."""

from __future__ import annotations

import contextlib
import sys

import numpy as np

from analysis import store
from analysis.measures.oddness import Odd
from analysis.store import Missing
from inference.data import split
from inference.run import Run, RunError
from jets import Jets
from jets.errors import UserError
from jets.lock import locked

KEPT = "odd.nc"
"""File in a run's folder."""
MOCKS = "mocks as long as the jets"
"""What is kept from before they were is fitted anew."""
MOST = 30_000
"""Training jets that it is fitted to, at most."""


def odd_of(run: Run, own: Jets | None = None) -> Odd | None:
    """Return the score of a run of jets, from its folder where it is of this sample; ``own`` is it, if in memory.

    None, with a line on stderr that says why, of fewer than 400 training jets, without them, or without scikit-learn;
    none of vectors.
    """
    if run.recipe.model.inputs:
        return None
    parts = run.recipe.data.model_dump_json(exclude={"files", "resident"})
    made_of = f"{run.provenance.get('data_fingerprint')}, seed {run.recipe.training.seed}, {parts}, {MOCKS}"
    if (found := read(run, made_of)) is not None:
        return found
    try:
        sample = run.jets if own is None else own
        train = np.random.default_rng(0).permutation(split(sample, run.recipe.data, run.recipe.training.seed).train)
        found = Odd.of(sample.constituents[train[:MOST]])
    except (ValueError, Missing, RunError) as error:
        print(f"no score odd: {error}", file=sys.stderr)
        return None
    with contextlib.suppress(OSError, UserError), locked(run.path, name=f".{KEPT}.lock", wait=True):
        store.save(found.to_dataset().assign_attrs(made_of=made_of), run.path / KEPT)
    return found


def read(run: Run, made_of: str) -> Odd | None:
    """Return what is kept, if it is of this sample and whole."""
    with contextlib.suppress(OSError, UserError, LookupError, ValueError):
        if (run.path / KEPT).exists():
            kept = store.open(run.path / KEPT, run.path).to_dataset()
            if kept.attrs["made_of"] == made_of:
                return Odd.from_dataset(kept)
    return None
