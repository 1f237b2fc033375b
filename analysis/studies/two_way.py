"""``two-way``: complex jets among simple ones and the other way, every model and score, pure and contaminated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis.evaluation.jet_scores import entropies, images_of, scores
from analysis.figures.two_way import NO_MODEL, two_ways
from analysis.measures.tagging import auc
from analysis.measures.typicality import image_scores
from analysis.report.page import Part, Question, Table
from analysis.studies.setup import LABELS, Setup
from inference.recipe import DataConfig
from inference.run import Run
from inference.splits import split
from jets import concatenate

CONTAMINATION = (0.0, 0.02, 0.05)
"""Anomalous jets in the training sample over the others."""
CHANGES: dict[str, dict[str, Any]] = {
    "ae": {"model.latent": "R2", "training.lr": 3e-3},
    "vae": {"model.latent": "R2", "training.lr": 3e-3},
    "gmvae": {"model.latent": "G2:2", "training.lr": 3e-3},
    "dvae": {"model.latent": "L2(alpha=1,0.25)"},
    "dvae-3": {},
    "dvae-3-exact": {"model.latent": "D3(alpha=1,0.25,0.1)"},
}
"""Model -> changes of its recipe, ``image-<model>`` without ``-exact``."""
DIRECTIONS = ("latent", "mixture", "ratio", "responsibility")
"""Kinds of scores of which a latent space has several: which one tags, and by which end, no prior says."""
BEST = "best direction, chosen with labels"
"""The one of these that separates best, either way round; it differs from anomaly to anomaly."""
EPOCHS, SIZE = 20, 2000
SEEDS = 5


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC (model, score, background, contamination, seed, anomaly); NaN where a model lacks the score."""
    rows = [row for model in CHANGES for row in of_model(setup, model)] + list(image_rows_of(setup))
    keys = ["model", "score", "background", "contamination", "seed", "anomaly"]
    result = pd.DataFrame(rows).set_index(keys)["auc"].to_xarray().to_dataset(name="auc")
    return result.assign_attrs(trained_on=list(setup.classes))


def of_model(setup: Setup, model: str) -> Iterator[dict[str, Any]]:
    """Yield one row for each training, score and anomaly of a model."""
    for background, anomaly in (setup.classes, setup.classes[::-1]):
        for contamination in CONTAMINATION:
            changes = {
                "data.fraction": {anomaly: contamination},
                "data.limit": SIZE,
                "training.epochs": EPOCHS,
                **CHANGES[model],
            }
            case, recipe = f"two-way-{model}-{background}-{contamination:g}", f"image-{model.removesuffix('-exact')}"
            runs = setup.train(case, recipe, changes, SEEDS)
            for seed, run in enumerate(runs):
                where = {"model": model, "background": background, "contamination": contamination, "seed": seed}
                yield from (where | row for row in tagging_rows(setup, run, background))


def image_rows_of(setup: Setup) -> Iterator[dict[str, Any]]:
    """Yield the rows of the scores that need no model: every class among every other, which it also contaminates."""
    jets = concatenate([setup.jets, setup.others]) if setup.files[2:] else setup.jets
    values = entropies(images_of(jets, setup.recipe("image-vae", 0, {})))
    for background, anomaly in permutations(jets.classes, 2):
        for contamination, seed in product(CONTAMINATION, range(setup.seeds or SEEDS)):
            fraction = dict.fromkeys(jets.classes, 0.0) | {background: 1.0, anomaly: contamination}
            part = split(jets, DataConfig(fraction=fraction, limit=SIZE), seed)
            where = {"model": NO_MODEL, "background": background, "contamination": contamination, "seed": seed}
            names = np.array(jets.classes)[jets.label[part.test]]
            for name, distance in image_scores(values[part.test], values[part.train]).items():
                area = auc(distance[names == anomaly], distance[names == background], repeats=2).value
                yield where | {"anomaly": anomaly, "score": name, "auc": area}


def tagging_rows(setup: Setup, run: Run, background: str) -> Iterator[dict[str, Any]]:
    """Yield the AUC of every score for every anomalous class, on held-out jets, and that of the best direction."""
    test = setup.jets[run.split.test]
    jets = concatenate([test, setup.others]) if setup.files[2:] else test
    found = scores(run, jets, own=setup.jets, most=setup.most, image_alone=False)
    label = np.asarray(found["class_name"])
    for anomaly in map(str, found.attrs["classes"]):
        if anomaly == background:
            continue
        of_directions = [0.5]
        kinds = (found[name].values for name in ("score", "kind", "component"))
        for name, kind, component in zip(*kinds, strict=True):
            values = np.asarray(found["score_value"].sel(score=name))
            if np.ptp(values) == 0:
                continue  # an autoencoder's KL
            area = auc(values[label == anomaly], values[label == background], repeats=2).value
            if kind in DIRECTIONS:
                of_directions += [area, 1 - area]
            if component < 0:  # a component's number means nothing; the rarest one's score is kept
                yield {"score": str(name), "anomaly": anomaly, "auc": area}
        yield {"score": BEST, "anomaly": anomaly, "auc": max(of_directions)}


def ways(found: xr.Dataset) -> list[tuple[str, str]]:
    """Return pairs (anomaly, background) of the two classes trained on."""
    one, two = found.attrs["trained_on"]
    return [(two, one), (one, two)]


def medians(found: xr.Dataset) -> pd.DataFrame:
    """Return the median seed of each model and score, a column for each case and contamination."""
    frame = found["auc"].to_series().dropna().reset_index()
    percent = (100 * frame["contamination"]).map("{:g} %".format)
    frame["case"] = frame["anomaly"] + " in " + frame["background"] + " " + percent
    return frame.groupby(["model", "score", "case"])["auc"].median().unstack("case")


def two_way(found: xr.Dataset) -> Part:
    """Name the best score that needs a model, and the best that needs none, by their worse way."""
    table = medians(found)
    both = [f"{a} in {b} {100 * c:g} %" for a, b in ways(found) for c in CONTAMINATION]
    least = table[both].min(axis=1)
    worst = least.drop(BEST, level="score").groupby("model")
    known = least.xs(BEST, level="score")
    alone, score = worst.idxmax()[NO_MODEL]
    model, best = max(worst.idxmax().drop(NO_MODEL), key=lambda key: table.loc[key, both].min())
    return Part(
        "two-way",
        f"Without a network, {score} has an AUC of {table.loc[(alone, score), both].min():.3f} or more both ways, pure "
        f"and contaminated. The best score of a model, {best} of the {LABELS[model]}, has "
        f"{table.loc[(model, best), both].min():.3f}; the best direction in the latent space, chosen with labels for "
        f"each way, {known.max():.3f} ({LABELS[known.idxmax()]}): the difficulty is to know which one it is.",
        "Each row is a model and a score: the AUC both ways, median and range of the seeds, without contamination and "
        "with the most; a tagger that works both ways has both marks on the right.",
        figure=two_ways(found["auc"], ways(found), {model: LABELS[model] for model in CHANGES}),
        table=as_table(table[both], "Median AUC of every model and score"),
        numbers=found,
    )


def others(found: xr.Dataset) -> Part | None:
    """List what the scores without a network make of classes that no choice was made on."""
    alone = medians(found).loc[NO_MODEL].T.dropna()
    known = {*found.attrs["trained_on"]}
    rows = [
        [str(case), *(f"{value:.3f}" for value in values)]
        for case, values in alone.iterrows()
        if not {*str(case).split(" ")[:3:2]} <= known
    ]
    if not rows:
        return None
    return Part("two-way-others", "On further classes, without a network:", table=Table(["case", *alone], rows))


def as_table(values: pd.DataFrame, title: str) -> Table:
    """Return a table of AUCs, a row for each model and score."""
    rows = [
        [f"{LABELS.get(model, 'no network')}, {score}", *(f"{value:.3f}" for value in row)]
        for (model, score), row in values.iterrows()
    ]
    return Table(["model, score", *values], rows, folded=title)


QUESTION = Question("two-way", "Which score finds anomalies both ways?", (two_way, others))
