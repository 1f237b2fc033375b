"""The runs of a scan -> one DataTree with dimensions topology, beta, seed and jet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from analysis.evaluation.tree import evaluate
from analysis.measures.trust import importance
from analysis.measures.weighting import mean_of
from analysis.store import NATS, array, names
from inference.run import Run, RunError
from jets.command import command
from jets.notes import LOG
from jets.progress import Progress

PER_JET = ("log_evidence", "log_evidence_error", "log_evidence_shift", "khat", "elbo", "reconstruction", "kl")


def collect(
    runs: Sequence[Run | str | Path], *, draws: int = 200, at_most: int | None = 1000, beta: float | None = None
) -> xr.DataTree:
    """Evaluate runs on their held-out jets and join them; what is missing is NaN.

    Runs of a range of resolutions are looked at where ``beta`` says, by default in its middle.

    Groups: ``sample_stats`` log_evidence, log_evidence_error, log_evidence_shift, khat, elbo, reconstruction, kl [nat]
    (topology, beta, seed, jet), epochs (topology, beta, seed); ``information`` kl [nat] (topology, beta, seed,
    kl_term), the mean over jets; ``constant_data`` class_name and jet_number (seed, jet): a seed has test jets of its
    own, and every topology and beta the same ones. Attribute ``incomplete``: how many runs were left out.

    Raises
    ------
    RunError
        The runs were trained on different data.
    """
    opened = [run if isinstance(run, Run) else Run.open(run) for run in runs]
    complete = [run for run in opened if run.complete]
    if not complete:
        raise RunError(f"none of the runs is complete; finish them: {command('resume', 'DIR')}")
    if len(complete) < len(opened):
        LOG.warning("%d of %d runs are not complete: left out", len(opened) - len(complete), len(opened))
    if len({run.provenance["data_fingerprint"] for run in complete}) > 1:
        raise RunError("the runs were trained on different data and cannot be compared")
    parts = []
    with Progress(len(complete), "evaluated", "runs") as progress:
        for run in complete:
            chosen = beta if run.recipe.model.beta.is_range else None
            tree = evaluate(run, draws=draws, at_most=at_most, beta=chosen, pairs=0, curve=False)
            parts.append((place_of(run, chosen), tree))
            progress.advance(said=run.path.name)
    result = joined_runs(parts)
    result.attrs["incomplete"] = len(opened) - len(complete)
    return result


def place_of(run: Run, beta: float | None) -> tuple[str, float, int]:
    """Return where a run stands: topology, beta (its own unless given), seed."""
    recipe = run.recipe
    return recipe.model.latent, beta or recipe.model.beta.typical, recipe.training.seed


def joined_runs(parts: Sequence[tuple[tuple[str, float, int], xr.DataTree]]) -> xr.DataTree:
    """Join the trees of single runs."""
    axes: list[list[Any]] = [list(dict.fromkeys(where[i] for where, _ in parts)) for i in range(3)]
    terms = list(dict.fromkeys(name for _, tree in parts for name in names(array(tree, "information/kl"), "kl_term")))
    jets = max(tree["sample_stats"].sizes["jet"] for _, tree in parts)
    shape = tuple(map(len, axes))
    stats = {name: np.full((*shape, jets), np.nan) for name in PER_JET}
    kl, epochs = np.full((*shape, len(terms)), np.nan), np.full(shape, np.nan)
    label, number = np.full((shape[2], jets), "", dtype="U32"), np.full((shape[2], jets), -1)
    for where, tree in parts:
        i = tuple(axis.index(value) for axis, value in zip(axes, where, strict=True))
        table = importance(tree).merge(tree["sample_stats"].to_dataset())
        for name, values in stats.items():
            values[i][: table.sizes["jet"]] = table[name]
        label[i[2], : table.sizes["jet"]] = tree["constant_data"]["class_name"]
        epochs[i] = tree["history"].sizes.get("epoch", np.nan) if "history" in tree else np.nan
        number[i[2], : table.sizes["jet"]] = table["jet"]
        mean = mean_of(tree, "information/kl")
        kl[i][[terms.index(name) for name in names(mean, "kl_term")]] = mean
    dims = ("topology", "beta", "seed")
    coordinates = dict(zip(dims, axes, strict=True))
    per_jet = {name: ((*dims, "jet"), values, NATS) for name, values in stats.items()} | {"epochs": (dims, epochs)}
    known = {"class_name": (("seed", "jet"), label), "jet_number": (("seed", "jet"), number)}
    result = xr.DataTree.from_dict(
        {
            "sample_stats": xr.Dataset(per_jet, coordinates),
            "information": xr.Dataset({"kl": ((*dims, "kl_term"), kl, NATS)}, coordinates | {"kl_term": terms}),
            "constant_data": xr.Dataset(known, {"seed": axes[2]}),
        }
    )
    first = parts[0][1]
    result.attrs = {name: first.attrs[name] for name in ("likelihood", "classes", "data")}
    return result
