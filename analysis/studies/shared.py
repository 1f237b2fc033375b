"""``shared``: whether two classes of jets share their dimensions, or each has its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from analysis.evaluation.chosen import choose
from analysis.evaluation.resolutions import measure as at_resolutions
from analysis.figures.shared_dimensions import shared_dimensions
from analysis.measures.shared_dimensions import compared, losing
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, listed, plus_minus
from analysis.studies.setup import Setup

SEEDS, EPOCHS = 3, 100
RECIPE = "jet-w"
BOTH, ALONE = "R12 x (R0 | R4)", "R16"
"""Latent spaces of the mixed sample, and of one class alone, of as many dimensions."""
CHANGES: dict[str, Any] = {}
"""Of the recipe."""
SHOWN = 8
"""Rows of the table."""
UNSURE = 0.2
"""Error of the total [nat] above which a resolution says too little to be named."""


def measure(setup: Setup) -> xr.Dataset:
    """Return what a model of two mixed classes needs beyond models of each class alone, at each resolution [nat].

    The models of one class take as many steps as that of both, so that each of its jets is seen more often.
    """
    files = (setup.files[0], setup.files[-1]) if setup.files == Setup.files else setup.files[:2]
    changes = dict(setup.changes)
    epochs = int(changes.pop("training.epochs", EPOCHS))
    pair = replace(setup, files=files, changes=changes)
    counts = pair.jets.counts
    total, usual = sum(counts.values()), {"training.epochs": epochs, "model.latent": BOTH}
    both = pair.train("shared-both", RECIPE, CHANGES | usual, SEEDS)
    alone = {}
    for name, file in zip(pair.classes, files, strict=True):
        longer = round(epochs * total / counts[name])
        own = CHANGES | {"data.files": (file,), "training.epochs": longer, "model.latent": ALONE}
        trained = pair.train(f"shared-{name}", RECIPE, own, SEEDS)
        alone[name] = [at_resolutions(run, choose(run), setup.most) for run in trained]
    mixed = [at_resolutions(run, choose(run), 2 * setup.most) for run in both]
    share = {name: count / total for name, count in counts.items()}
    return compared(mixed, alone, share).assign_attrs(jets=list(files), recipe=RECIPE, epochs=epochs)


def shared(found: xr.Dataset) -> Part:
    """Say whether sharing loses nats, and whether the classes choose different manifolds."""
    names = [str(name) for name in found["class"].values]
    rows = []
    for place in np.linspace(0, found.sizes["beta"] - 1, SHOWN).astype(int):
        row = found.isel(beta=place)
        excess = [value(row.sel({"class": name}), "excess") for name in names]
        own = [row.sel({"class": name, "model": model}) for name in names for model in ("mixed", "alone")]
        rows.append([in_units(found, float(row["beta"])), *excess, value(row, "total"), *(value(d, "D2") for d in own)])
    head = [f"{name}: excess [nat]" for name in names] + ["all [nat]"]
    head += [f"{name}: D2, {model}" for name in names for model in ("mixed", "alone")]
    return Part(
        "shared",
        f"{sizes_of(found)} {verdict(found)}{chosen(found)}",
        "Left: what the mixed model needs beyond models of each class alone, in nats for a jet; dotted: what all jets "
        "say of their class at most. Right: D2 of both models. Bands: error of the jets and spread of the seeds.",
        figure=shared_dimensions(found),
        table=Table(["scale", *head], rows),
        numbers=found,
    )


def value(row: xr.Dataset, name: str) -> str:
    """Return a number with its error."""
    return plus_minus(float(row[name]), float(row[f"{name}_error"]))


def sizes_of(found: xr.Dataset) -> str:
    """Say what was compared."""
    names = [str(name) for name in found["class"].values]
    trainings = f"{found.attrs['seeds']} trainings" if found.attrs["seeds"] > 1 else "one training, of unknown spread,"
    jets = listed(counted(int(n), f"{name} jet") for n, name in zip(found.attrs["jets_measured"], names, strict=True))
    return f"{found.attrs['latent']} on {' and '.join(names)}: {trainings} each, {jets} held out."


def verdict(found: xr.Dataset) -> str:
    """Say where the mixed model needs more than the classes can explain, or that it nowhere does."""
    entropy, beta = found.attrs["entropy"], losing(found)
    if len(beta):
        worst = most_significant(found.sel(beta=beta))
        return (
            f"Sharing loses nats from {in_units(found, beta[0])} to {in_units(found, beta[-1])}: at "
            f"{in_units(found, float(worst['beta']))} the mixed model needs {value(worst, 'total')} nat more, of which "
            f"the class explains no more than {entropy:.2f}."
        )
    sure = found.isel(beta=np.flatnonzero(found["total_error"] <= UNSURE))
    if not sure.sizes["beta"]:
        return f"Nothing can be said: the errors are above {UNSURE:g} nat everywhere."
    worst, finest = most_significant(sure), in_units(found, float(sure["beta"][0]))
    return (
        f"No loss by sharing is seen down to {finest}, below which errors exceed {UNSURE:g} nat: the mixed model needs "
        f"{value(worst, 'total')} nat more where that is most, at {in_units(found, float(worst['beta']))}, and to say "
        f"the class takes up to {entropy:.2f}."
    )


def most_significant(found: xr.Dataset) -> xr.Dataset:
    """Return the resolution at which the total exceeds the entropy most, in errors."""
    above = np.asarray((found["total"] - found.attrs["entropy"]) / found["total_error"])
    return found.isel(beta=int(np.argmax(above)))


def chosen(found: xr.Dataset) -> str:
    """Say how often jets of each class are on the larger manifold, where there is a choice."""
    if "category_share" not in found:
        return ""
    last = found["category_share"].isel(category=-1).mean("beta")
    parts = [f"{float(last.sel({'class': name})):.2f} of {name}" for name in found["class"].values]
    return f" On the manifold with latents of its own lie {listed(parts)} jets, mean of the scales."


def in_units(found: xr.Dataset, beta: float) -> str:
    """Return a resolution in the unit that is shown."""
    return f"{beta * found.attrs['scale']:.3g} {found.attrs['unit']}".strip()


QUESTION = Question("shared", "Do two classes share their dimensions?", (shared,))
