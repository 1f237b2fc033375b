"""The score ``odd`` of a run's own unlabelled training jets: fitted once, and kept in the run's folder."""

from __future__ import annotations

import contextlib

import numpy as np
import torch
import xarray as xr

from analysis.measures.oddness import TREES, USUAL, Odd
from analysis.store import Missing
from inference import tensors
from inference.folder import RunFolder
from inference.keys import DataConfig
from inference.run import Run, RunError
from inference.splits import split
from jets import Jets
from jets.errors import UserError
from jets.lock import locked
from jets.notes import LOG

KEPT = "odd.safetensors"
"""File in a run's folder, and in a bundle."""
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
    if (found := read(run)) is not None:
        return found
    try:
        sample = run.jets if own is None else own
        train = np.random.default_rng(0).permutation(split(sample, run.recipe.data, run.recipe.training.seed).train)
        found = Odd.of(sample.constituents[train[:MOST]])
    except (ValueError, Missing, RunError) as error:
        LOG.warning("no score odd: %s", error)
        return None
    arrays = {name: torch.tensor(values.values) for name, values in found.to_dataset().items()}
    with contextlib.suppress(OSError, UserError), locked(run.path, name=f".{KEPT}.lock", wait=True):
        RunFolder(run.path).save(KEPT, {"odd": arrays, "made_of": made_of(run)})
    return found


def made_of(run: Run) -> str:
    """Return what the score depends on: the sample, its split, and the kind of mocks."""
    data, later = run.recipe.data, ("mixture", "split", "window")  # keys that scores of before do not know
    plain = {key for key in later if getattr(data, key) == getattr(DataConfig(), key)}
    parts = data.model_dump_json(exclude={"files", "resident", "memory", "cache", *plain})
    return f"{run.provenance.get('data_fingerprint')}, seed {run.recipe.training.seed}, {parts}, {MOCKS}"


def read(run: Run) -> Odd | None:
    """Return what is kept, if it is of this sample and whole."""
    with contextlib.suppress(OSError, UserError, LookupError, TypeError, ValueError):
        if (run.path / KEPT).exists():
            kept = tensors.load(run.path / KEPT)
            if kept["made_of"] == made_of(run):
                return Odd.from_dataset(
                    xr.Dataset({n: (d, kept["odd"][n].numpy()) for n, d in (TREES | USUAL).items()})
                )
    return None
