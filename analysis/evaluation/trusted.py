"""Run -> the DataTree that :mod:`analysis.measures.trust` checks: many draws, refined bounds, simulated jets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import xarray as xr

from analysis.evaluation.chosen import choose
from analysis.evaluation.tree import evaluate_chosen
from analysis.store import NATS
from inference.refine import refined_elbo
from inference.run import Run, RunError
from inference.simulated import simulated_jets
from jets import Jets
from jets.notes import LOG

SIMULATIONS, RANKED = 500, 99
"""Simulated jets, and draws among which their truth is ranked."""


def trusted(
    run: Run,
    data: Sequence[str] | Jets | None = None,
    *,
    at_most: int = 200,
    draws: int = 1000,
    beta: float | None = None,
    seed: int = 0,
) -> xr.DataTree:
    """Return :func:`analysis.evaluate` of at most so many jets, with ``sample_stats/refined_elbo`` and ``simulation``.

    The simulation is left out, with a note, where the likelihood cannot be drawn from.

    Raises
    ------
    RunError
        The run is a plain autoencoder.
    """
    if run.recipe.model.kind == "ae":
        raise RunError(f"{run.path}: a plain autoencoder has no posterior to trust")
    chosen = choose(run, data, at_most)
    tree = evaluate_chosen(run, chosen, draws, seed, beta)
    x = chosen.data[torch.arange(len(chosen.data))]
    with run.at(beta) as vae:
        refined = refined_elbo(vae, x, seed=seed).numpy()
        stats = tree["sample_stats"].to_dataset().assign(refined_elbo=("jet", refined, NATS))
        tree["sample_stats"] = xr.DataTree(stats)
        try:
            tree["simulation"] = xr.DataTree(simulated_jets(vae, SIMULATIONS, RANKED, seed=seed))
        except RunError as error:
            LOG.warning("%s", error)
    return tree
