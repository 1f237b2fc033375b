"""What is known of a run and its jets without the model: classes, observables, epochs, recipe, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from analysis import store
from analysis.evaluation.chosen import Chosen
from analysis.measures.nuts_form import ours
from analysis.measures.observables import shape
from inference.run import Run
from jets import Jets

RESERVED = ("jet", "weight", "event", ".", "..")
"""Names that mean something else in a tree."""


class Facts(NamedTuple):
    """Groups and attributes of a tree that need no model."""

    groups: dict[str, xr.Dataset]
    attributes: dict[str, object]


def facts(run: Run, chosen: Chosen, beta: float) -> Facts:
    """Return what is known of a run, and of the jets that it is evaluated on at resolution ``beta``."""
    known = attributes(run, chosen) | {"beta": beta}
    groups = {"history": epochs(run.history)} | nuts_groups(run, beta)
    groups["constant_data"] = constant_data(chosen.jets).assign_coords(jet=chosen.number)
    return Facts(groups, known)


def constant_data(jets: Jets) -> xr.Dataset:
    """Return what is known of N jets, each (jet,): class, kinematics, substructure, truth, width and axis [rad].

    Event weights are ``weight``, event numbers ``event``; without them there are no such variables.
    """
    variables = {"class_name": ("jet", np.asarray(jets.classes)[jets.label])}
    variables |= {name: ("jet", x) for name, x in (("weight", jets.weights), ("event", jets.events)) if x is not None}
    own = {} if jets.are_vectors else {name: ("jet", values) for name, values in shape(jets.constituents).items()}
    for group in ("jet", "subst", "truth"):
        for column, values in getattr(jets, group).items():
            name = f"jet_{column}" if group == "jet" else column
            while name in {*RESERVED, *variables, *own}:
                name = f"{group}_{name}"
            variables[name] = ("jet", values)
    return xr.Dataset(variables | own)


def epochs(rows: Sequence[dict[str, float]]) -> xr.Dataset:
    """Return the training history by epoch, from the rows of ``history.csv``; empty without any."""
    if not rows:
        return xr.Dataset()
    columns = {name: ("epoch", np.asarray([row[name] for row in rows])) for name in rows[0] if name != "epoch"}
    return xr.Dataset(columns, {"epoch": [int(row["epoch"]) for row in rows]})


def nuts_groups(run: Run, beta: float) -> dict[str, xr.Dataset]:
    """Return what ``jetvae nuts`` left in a run folder, if it is of this recipe and weights and at this resolution."""
    kept = store.of_run(run.path / "nuts.nc", run.digest)
    if kept is None or not np.isclose(kept.attrs["beta"], beta):
        return {}
    return ours(kept)


def attributes(run: Run, chosen: Chosen) -> dict[str, object]:
    """Return what a tree says of itself: run, model, jets, recipe and provenance."""
    rates = [row["jets_per_second"] for row in run.history]
    return {
        "run": str(run.path),
        "digest": run.digest,
        "latent": run.recipe.model.latent,
        "likelihood": run.recipe.model.likelihood,
        "kind": run.recipe.model.kind,
        "classes": list(chosen.jets.classes),
        "data": list(chosen.jets.sources),
        "scored": chosen.which,
        "jets_per_second": float(np.median(rates)) if rates else float("nan"),
        "complete": int(run.complete),
        "recipe": run.recipe.to_toml(),
        "provenance": json.dumps(run.provenance),
        "train_counts": json.dumps(run.provenance["counts"]),
    }
