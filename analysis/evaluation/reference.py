"""Draws of p(z|x) of some jets of a run that meet the standard of a reference, where NUTS reaches it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.reference import DRAWS, quality
from inference.nuts import sample_run
from inference.run import Run
from jets.notes import LOG

CHAINS, WARM_UP = 10, 1000
"""Chains, as posteriordb has them, and steps of adaptation of each."""
EFFORTS = ((10, 0.9), (20, 0.97), (40, 0.99))
"""Every how many-th step is kept, and the acceptance that the step is adapted to; the next where the last falls short.

A higher acceptance is a smaller step: it avoids divergences; thinning makes what is kept independent.
"""


def reference(run: Run, *, jets: int = 8, beta: float | None = None, seed: int = 0) -> xr.DataTree:
    """Return 10,000 NUTS draws of each of ``jets`` test jets, and in the group ``reference`` what they are worth.

    As :func:`inference.nuts.sample_run`, with ``reference``, all (jet,): what
    :func:`analysis.measures.reference.quality` returns. Jets whose draws fall short are sampled again with smaller
    steps and more of them between draws, twice; those that still do keep ``met`` false.

    Raises
    ------
    RunError
        JAX cannot take the model; or as :func:`inference.nuts.sample_run`.
    """

    def sampled(which: int | NDArray[np.integer], attempt: int) -> xr.DataTree:
        thin, acceptance = EFFORTS[attempt]
        return sample_run(
            run, jets=which, chains=CHAINS, draws=DRAWS // CHAINS, warm_up=WARM_UP, thin=thin, acceptance=acceptance,
            beta=beta, seed=seed + attempt, by_pyro_too=False,
        )  # fmt: skip

    tree = sampled(jets, 0)
    found = quality(tree)
    for attempt in range(1, len(EFFORTS)):
        short = found["jet"].values[~found["met"].values]
        if not short.size:
            break
        LOG.info("%d jets short of the standard, sampled again with smaller steps", len(short))
        tree = replaced(tree, sampled(short, attempt))
        found = quality(tree)
    tree["reference"] = xr.DataTree(found)
    return tree


def replaced(tree: xr.DataTree, new: xr.DataTree) -> xr.DataTree:
    """Return a tree with the jets of ``new`` in place of its own of the same numbers, in the order of before."""
    result = tree.copy()
    for name, node in new.children.items():
        if "jet" in node.dims:
            old, order = tree[name].to_dataset(), tree[name]["jet"].values
            kept = old.drop_sel(jet=node["jet"].values)
            result[name] = xr.DataTree(xr.concat([kept, node.to_dataset()], "jet").sel(jet=order))
    return result
