"""``fractions``: the prior keeps the second mixture for the minority as t/Q falls from 1 to 0.001, or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from analysis.evaluation.jet_scores import scores
from analysis.figures.fractions import auc_against_fraction
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import spread
from analysis.studies.setup import Setup

FRACTIONS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.001)
"""t/Q: top jets over QCD jets in the training sample."""
FEW = 0.5
"""t/Q below which the second class is a minority."""
TAGGERS = {"mixture": "weight of the second mixture", "reconstruction": "reconstruction error"}
"""Tagger -> its name in the figure."""


def changes(setup: Setup, fraction: float) -> dict[str, Any]:
    """Return the recipe's changes: the hierarchical prior, and the fraction of the second class.

    Of several starts that with the least share of the mixture which the prior makes rare is kept: no label, and right
    where the loss is not (the study ``restarts``).
    """
    return {
        "model.latent": "L2(alpha=1,0.25)",
        "data.fraction": {setup.classes[1]: fraction},
        "data.limit": 3000,
        "training.epochs": 15,
        "training.restarts_by": "share",
    }


def case(fraction: float) -> str:
    """Return the name of the trainings."""
    return f"dvae-{fraction:g}"


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC (tagger, fraction, seed) of the weight of the second mixture and of the reconstruction error."""
    rows = []
    for fraction in FRACTIONS:
        runs = setup.best(case(fraction), "image-dvae", changes(setup, fraction))
        rows.append(
            [areas(scores(run, own=setup.jets, most=setup.most, image_alone=False), setup.classes[1]) for run in runs]
        )
    return xr.Dataset(
        {"auc": (("fraction", "seed", "tagger"), np.array(rows))},
        {"fraction": list(FRACTIONS), "tagger": list(TAGGERS), "seed": range(len(rows[0]))},
    )


def areas(found: xr.Dataset, signal: str) -> list[float]:
    """Return the AUC of each tagger; the prior alone says that the second mixture is the minority's."""
    is_signal = np.asarray(found["class_name"]) == signal
    values = [np.asarray(found["score_value"].sel(score=name)) for name in ("mixture_1", "reconstruction")]
    return [auc(v[is_signal], v[~is_signal], repeats=2).value for v in values]


def fractions(found: xr.Dataset) -> Part:
    """Say how well the second mixture tags, and how often it is the minority's."""
    rows = []
    for fraction in found["fraction"].values:
        mixture, reconstruction = (found["auc"].sel(fraction=fraction, tagger=tagger).values for tagger in TAGGERS)
        right = f"{(mixture > 0.5).sum()} of {len(mixture)}"
        rows.append([f"{fraction:g}", spread(mixture), right, f"{np.median(reconstruction):.3f}"])
    weight = found["auc"].sel(tagger="mixture")
    few, even = weight.where(weight["fraction"] < FEW, drop=True), weight.where(weight["fraction"] >= FEW, drop=True)
    middle, seeds = few.median("seed"), weight.sizes["seed"]
    reading = (
        f"Below t/Q = {FEW:g} the weight of the second mixture tags the minority with a median AUC of "
        f"{float(middle.min()):.3f} to {float(middle.max()):.3f}, the right way round in at least "
        f"{int((few > 0.5).sum('seed').min())} of {seeds} seeds; above, where there is no minority, in "
        f"{int((even > 0.5).sum('seed').min())}."
    )
    head = ["t/Q", "second mixture, AUC (range)", "the right way round", "reconstruction, AUC"]
    caption = "AUC on held-out jets against the fraction of the minority in training; prior alpha = (1, 0.25)."
    return Part(
        "fractions", reading, caption, auc_against_fraction(found["auc"], TAGGERS), Table(head, rows), numbers=found
    )


QUESTION = Question("fractions", "Does the prior keep a mixture for the minority?", (fractions,))
