"""The question: which classes and anomalies."""

from __future__ import annotations

from itertools import combinations

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ks_2samp

from analysis.figures.latents import latent_histograms, score_histograms, scored
from analysis.figures.tagging import roc_curves
from analysis.figures.triangle import gibbs_triangle
from analysis.measures.few import too_few
from analysis.measures.tagging import Estimate, passed_at, performance_of, roc, separate, weights_of
from analysis.report import unlabelled
from analysis.report.inputs import Known
from analysis.report.maps import jet_map, simplex
from analysis.report.page import Part, Question, Table
from analysis.report.units import label_scores
from analysis.report.words import counted, counts, listed, plus_minus
from analysis.store import Missing, array, class_names, classes, names

BEST = 8
"""Scores of which everything is measured, those of the largest AUC."""
HEAD = ("score", "AUC", "1/ε_B at ε_S = 0.3", "1/ε_B at ε_S = 0.5", "best ε_S/√ε_B")


def tagging(known: Known) -> Part:
    """Measure how well each score separates signal from background."""
    found = performances(known)
    rows = [[name, *(plus_minus(*estimate) for estimate in numbers.values())] for name, numbers in found.items()]
    (best, numbers), signal = next(iter(found.items())), known.numbers["signal"]
    reading = (
        f"{best} tags {signal} best: AUC {plus_minus(*numbers['auc'])}, and at half the signal one background jet in "
        f"{plus_minus(*numbers['rejection_50'])} passes. Which score is best was read off with the labels; no score's "
        "orientation was, so that an AUC below 0.5 points the other way."
    )
    last = signal == known.numbers["classes"][-1]
    against = f"; background: {listed(backgrounds(known))}"
    reading = f"Signal: {signal}{', the last class named' if last else ''}{against}. {reading}{left_out(known)}"
    table = xr.Dataset(
        {
            key: (("score", "estimate"), [tuple(numbers[key]) for numbers in found.values()])
            for key in next(iter(found.values()))
        },
        {"score": list(found), "estimate": ["value", "error"]},
    )
    short = f"{best} tags {signal} best: AUC {plus_minus(*numbers['auc'])}; which score is best was chosen with labels."
    return Part("tagging", reading, table=Table(HEAD, rows, best=0), numbers=table, verdict=short)


def distribution(known: Known) -> Part | None:
    """Describe the scores of jets of one class, and name the most anomalous jets."""
    if known.numbers["auc"]:
        return None
    found = known.sources.get("jets")
    return unlabelled.distribution(known.tree, found if isinstance(found, xr.Dataset) else None)


def displays(known: Known) -> Part | None:
    """Draw the most and the least anomalous jets, where all are of one class."""
    found = own_jets(known)
    return None if found is None else unlabelled.displays(found)


def p_values(known: Known) -> Part | None:
    """Draw the p-values of the jets, where all are of one class."""
    found = own_jets(known)
    return None if found is None else unlabelled.histogram(known.name, found)


def own_jets(known: Known) -> xr.Dataset | None:
    """Return what was read of the jets themselves, which several classes and vectors have no use for."""
    if known.numbers["auc"] or "jets" not in known.sources:
        return None
    return known.source("jets")


def left_out(known: Known) -> str:
    """Say that the jets are few, and how many have no score, where that is so."""
    signal, background = separate(known.tree, known.numbers["signal"])
    said = too_few(signal.sizes["jet"], background.sizes["jet"])
    lacking = listed(f"{counted(n, 'jet')} by {name}" for name, n in known.numbers.get("unscored", {}).items())
    said += f" Left out because they have no score (NaN): {lacking}." if lacking else ""
    weights = weights_of(signal, background)
    if weights is not None:
        said += f" No AUC: {weights}." if isinstance(weights, str) else " Jets count with their event weights."
    return f" {said.strip()}" if said else ""


def performances(known: Known) -> dict[str, dict[str, Estimate]]:
    """Return score -> its numbers, the best first."""
    order = sorted(known.numbers["auc"], key=lambda name: -np.nan_to_num(known.numbers["auc"][name]["value"]))
    if not order:
        raise Missing("the jets scored are of one class: there is nothing to tag; give others with --data")
    signal, background = separate(known.tree, known.numbers["signal"])
    return {name: performance_of(signal, background, name) for name in order[:BEST]}


def curves(known: Known) -> Part | None:
    """Draw background rejection against signal efficiency."""
    if not known.numbers["auc"]:
        return None
    signal, background = separate(known.tree, known.numbers["signal"])
    auc = {name: Estimate(**found) for name, found in known.numbers["auc"].items()}
    efficiency = np.linspace(0.01, 1, 100)
    weights = weights_of(signal, background)
    if isinstance(weights, str):
        raise Missing(weights)
    passed = []
    for name in names(signal, "score"):
        curve = roc(np.asarray(signal.sel(score=name)), np.asarray(background.sel(score=name)), weights)
        passed.append(passed_at(curve, efficiency))
    numbers = xr.Dataset(
        {"background_efficiency": (("score", "signal_efficiency"), passed)},
        {"score": names(signal, "score"), "signal_efficiency": efficiency},
    )
    return Part(
        "roc_curves",
        f"{signal.sizes['jet']:,} {known.numbers['signal']} jets against {background_of(known)}.",
        "Background rejection 1/ε_B against signal efficiency ε_S for the best scores, chosen with labels: ε_S is "
        f"the share of {known.numbers['signal']} that passes a cut, ε_B that of {listed(backgrounds(known))}. Drawn "
        "where at least ten background jets pass; legend: AUC with its bootstrap error.",
        figure=roc_curves(known.tree, known.numbers["signal"], auc),
        numbers=numbers,
    )


def backgrounds(known: Known) -> list[str]:
    """Return the names of the classes that are not to be tagged, of which jets are scored."""
    scored, signal = known.numbers["counts"]["scored"], known.numbers["signal"]
    return [name for name, count in scored.items() if count and name != signal]


def background_of(known: Known) -> str:
    """Return how many jets of each class are not to be tagged, in words."""
    scored = known.numbers["counts"]["scored"]
    return counts({name: scored[name] for name in backgrounds(known)})


def category(known: Known) -> Part | None:
    """Say how well a latent category, or a superposition's choice of manifold, agrees with the classes."""
    found = known.numbers["category"]
    if not found:
        return None
    auc, accuracy = (plus_minus(found[name]["value"], found[name]["error"]) for name in ("auc", "accuracy"))
    rows = [[name, f"{found['share'][name]:.3f}", f"{found['width'][name]:.3f}"] for name in found["share"]]
    return Part(
        "category",
        f"Category {found['chosen']}, chosen because its jets are wider, finds {known.numbers['signal']} with "
        f"AUC {auc} and accuracy {accuracy}.",
        table=Table(["category", "share of jets", "mean width [rad]"], rows),
    )


def histograms(known: Known) -> Part:
    """Draw each coordinate by class; name the one in which two classes differ most."""
    points, label = array(known.tree, "guide_params/point"), class_names(known.tree)
    return Part(
        "latent_histograms",
        most_apart(points, label),
        "Centre of each jet's posterior, by class, each normalised to unit area.",
        figure=latent_histograms(known.tree),
        numbers=xr.Dataset({"point": points, "class_name": ("jet", label)}),
    )


def most_apart(points: xr.DataArray, label: np.ndarray) -> str:
    """Say in which coordinate of ``points`` (jet, coordinate) which two classes differ most."""
    found = {}
    for first, second in combinations(np.unique(label), 2):
        for name in names(points, "coordinate"):
            values = np.asarray(points.sel(coordinate=name))
            found[name, first, second] = ks_2samp(values[label == first], values[label == second]).statistic
    if not found:
        return "All jets are of one class."
    name, first, second = most = max(found, key=lambda key: found[key])
    return (
        f"By their labels, {first} and {second} differ most in {name}: a cut there, placed best, keeps "
        f"{100 * found[most]:.0f} % more of the one than of the other."
    )


def score_shapes(known: Known) -> Part:
    """Draw each score by class; of jets of one class too."""
    values, drawn = array(known.tree, "scores/score_value"), scored(known.tree)
    if not drawn:
        raise Missing("no jet has a score: all are NaN")
    more = f"; the first {len(drawn)} of {values.sizes['score']} scores" if len(drawn) < values.sizes["score"] else ""
    return Part(
        "score_histograms",
        "",
        "Scores of the jets, by class, each normalised to unit area; larger is more anomalous, of a mixture more, "
        f"and of a latent the centre of its posterior{more}.",
        figure=label_scores(score_histograms(known.tree), known.tree),
        numbers=xr.Dataset({"score_value": values, "class_name": ("jet", class_names(known.tree))}),
    )


def triangle(known: Known) -> Part | None:
    """Draw the Gibbs triangle of a 3-simplex."""
    points, label = array(known.tree, "guide_params/point"), class_names(known.tree)
    corners = simplex(points)
    if not corners:
        return None
    weight = points.sel(coordinate=corners)
    said = []
    for name in classes(known.tree):
        if (label == name).any():
            mean = np.asarray(weight)[label == name].mean(0)
            who = name if len(np.unique(label)) > 1 else "a jet"
            said.append(f"{who} is {100 * mean.max():.0f} % {corners[int(mean.argmax())]}")
    return Part(
        "triangle",
        f"On average {listed(said)}.",
        "Gibbs triangle: each jet at its mixture weights; a corner is a pure mixture.",
        figure=gibbs_triangle(np.asarray(weight), label, classes(known.tree), corners),
        numbers=xr.Dataset({"weight": weight, "class_name": ("jet", label)}),
    )


def latents(known: Known) -> Part:
    """Let the reader point at jets."""
    widget = jet_map(known.tree)
    return Part(
        "map",
        f"{len(widget.data['jet']):,} of {known.tree['guide_params'].sizes['jet']:,} jets"
        f"{', each class in proportion' if len(widget.data['classes']) > 1 else ''}.",
        "A point is a jet; point at it, or use the arrow keys, to read its numbers. Both axes can be any latent, "
        "score or observable.",
        widget=widget,
    )


def aggregate(known: Known) -> Part:
    """Let ArviZ summarise the guide's draws of each class."""
    table = aggregate_summary(known.tree)
    rows = [
        [f"{name}, {coordinate}", *map(str, row)]
        for (name, coordinate), row in zip(table.index, table.values, strict=True)
    ]
    head = ["class, coordinate", *map(str, table.columns)]
    return Part("aggregate", "", table=Table(head, rows, folded="Aggregate posterior, by ArviZ"))


def aggregate_summary(tree: xr.DataTree) -> pd.DataFrame:
    """Return ArviZ's summary of the aggregate posterior q(z | class): mean, sd and interval of each coordinate."""
    draws, label = array(tree, "posterior/z"), class_names(tree)
    columns = names(draws, "coordinate")
    draws = draws.drop_vars([name for name in draws.coords if name not in draws.dims])
    tables = {}
    for name in classes(tree):
        mine = draws.isel(jet=np.flatnonzero(label == name))
        if not mine.sizes["jet"]:
            continue
        pooled = mine.stack(sample=("chain", "draw", "jet")).reset_index("sample", drop=True)
        by_name = xr.Dataset({c: pooled.sel(coordinate=c, drop=True) for c in columns})
        tables[name] = arviz_stats.summary(by_name, sample_dims=["sample"], kind="stats", round_to=3)
    return pd.concat(tables, names=["class", "coordinate"])


QUESTION = Question(
    "anomalies",
    "Which classes and anomalies?",
    (
        tagging,
        distribution,
        curves,
        score_shapes,
        p_values,
        displays,
        category,
        latents,
        triangle,
        histograms,
        aggregate,
    ),
)
