"""``restarts``: how often one training ends wrongly, how often the best of several, and what chooses it without labels.

A training has one score: how much of a jet is in the mixtures that the prior makes rare. The prior alone says which
these are, so that an AUC below one half means what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.jet_scores import capped
from analysis.figures.restarts import auc_against_bound
from analysis.measures.choosing import agreement, chosen, own, sets_of, share_chosen
from analysis.measures.correlation import rank_correlation
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed
from analysis.studies.setup import IN_SECONDS, Setup
from inference.data import Data, data_for
from inference.run import Run
from models import VAE

Values = NDArray[np.floating]


class Kind(NamedTuple):
    """A recipe whose prior makes all mixtures but the first rare, and the fractions t/Q that it is trained at."""

    recipe: str
    changes: dict[str, Any]
    fractions: tuple[float, ...]


KINDS = {
    "DVAE": Kind("image-dvae", {"model.latent": "L2(alpha=1,0.25)"}, (1.0, 0.05)),
    "DVAE, 3 mixtures": Kind("image-dvae-3", {}, (1.0,)),
}
"""Name in figures -> recipe."""
STARTS, SIZE, EPOCHS = 15, 3000, 15
"""Trainings of each case, training jets of both classes together, epochs."""
KNOWN, DRAWS = 1000, 4
"""Training jets, without their labels, on which the rules rest; draws of the guide for the held-out bound."""
CONSTANT = 1e-6
"""Width of a score below which it says nothing."""
USELESS = 0.1
"""So far below the median AUC of the trainings that are the right way round, one is wrong too."""
SHOWN = ("bound", "agreement", "share")
"""Rules whose choices are drawn."""
CHOICES = (3, 5)
"""Trainings of which one is chosen."""
RULES = {
    "bound": "training bound",
    "held_out": "held-out bound",
    "agreement": "agreement",
    "share": "least share",
    "tail": "longest tail",
}
"""Rule -> its name in tables."""


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC and what the rules rest on (case, start): bounds [nat], share and skewness of the score; agreement."""
    cases = []
    for name, kind in KINDS.items():
        for fraction in kind.fractions:
            changes = {
                **kind.changes,
                "data.fraction": {setup.classes[1]: fraction},
                "data.limit": round(SIZE / (1 + fraction)),
                "training.epochs": EPOCHS,
                "training.checkpoint_seconds": 60.0,
                **IN_SECONDS,
            }
            runs = setup.starts(f"restarts-{kind.recipe}-{fraction:g}", kind.recipe, changes, STARTS)
            found = of_case([run for run in runs if run.complete], setup)
            cases.append(found.expand_dims(case=[f"{name}, t/Q = {fraction:g}"]))
    return xr.concat(cases, "case", join="inner")


def of_case(runs: Sequence[Run], setup: Setup) -> xr.Dataset:
    """Return the numbers of the trainings of one case, which share their split."""
    split, recipe = runs[0].split, runs[0].recipe
    known = np.sort(np.random.default_rng(0).permutation(split.train)[:KNOWN])
    jets = [setup.jets[known], setup.jets[split.validation], capped(setup.jets[split.test], setup.most)]
    training, validation, test = (data_for(each, recipe, torch.device("cpu")) for each in jets)
    signal = jets[2].label == setup.jets.classes.index(setup.classes[1])
    rows, scores = [], []
    for run in runs:
        found, scored = score(run.vae, training), score(run.vae, test)
        torch.manual_seed(0)
        held_out = evaluate_jets(run.vae, validation, DRAWS)["sample_stats"]["elbo"]
        rows.append(
            {
                "auc": auc(scored[signal], scored[~signal], repeats=2).value,
                "bound": -run.ended["loss"],
                "held_out": float(held_out.mean()),
                "share": float(found.mean()),
                "tail": skewness(found),
            }
        )
        scores.append(found)
    correlation = np.array([[agree(one, other) for other in scores] for one in scores])
    return xr.Dataset(
        {name: ("start", [row[name] for row in rows]) for name in rows[0]}
        | {"correlation": (("start", "other"), correlation)},
        {"start": [int(run.path.name) for run in runs], "other": [int(run.path.name) for run in runs]},
    )


@torch.no_grad()
def score(vae: VAE, data: Data) -> Values:
    """Return how much of each jet is not in the first mixture, ``(N,)``."""
    points = vae.latent.points(vae.encode(data[torch.arange(len(data))]))
    return 1 - points[:, 0].numpy().astype(float)


def skewness(values: Values) -> float:
    r"""Return :math:`\langle(s-\bar s)^3\rangle/\sigma^3`; 0 of a score that all jets share.

    >>> skewness(np.array([0.0, 0.0, 0.0, 1.0])) > 1, skewness(np.full(3, 0.1))
    (True, 0.0)
    """
    less = values - values.mean()
    width = less.std()
    return float((less**3).mean() / width**3) if width > CONSTANT else 0.0


def agree(one: Values, other: Values) -> float:
    """Return the rank correlation of two scores; 0 where all jets share one of them."""
    return rank_correlation(one, other) if min(np.ptp(one), np.ptp(other)) > 0 else 0.0


def is_wrong(areas: Values) -> NDArray[np.bool_]:
    """Return which trainings are wrong, ``(n,)``: AUC below one half, or :data:`USELESS` below those that are not.

    >>> is_wrong(np.array([0.9, 0.92, 0.1, 0.7]))
    array([False, False,  True,  True])
    """
    right = areas[areas > 0.5]
    return ~(areas >= (max(0.5, float(np.median(right)) - USELESS) if len(right) else np.inf))


def rule_of(mine: xr.Dataset, rule: str) -> Values:
    """Return the rule of :mod:`analysis.measures.choosing` of one case, ``(n, n)``."""
    if rule == "agreement":
        return agreement(mine["correlation"].values)
    return own(mine[rule].values * (-1 if rule == "share" else 1))


def judged(found: xr.Dataset) -> xr.Dataset:
    """Return ``wrong`` (case, start), and which one of all each rule ``chosen`` (case, rule)."""
    n, cases = found.sizes["start"], [found.isel(case=i) for i in range(found.sizes["case"])]
    best = [[chosen(rule_of(mine, rule), sets_of(n, n))[0] for rule in RULES] for mine in cases]
    wrong = np.array([is_wrong(mine["auc"].values) for mine in cases])
    chosen_ones = (("case", "rule"), found["start"].values[np.array(best)])
    return found.assign(wrong=(("case", "start"), wrong), chosen=chosen_ones).assign_coords(rule=list(RULES))


def share_of(found: xr.Dataset, rule: str, k: int) -> str:
    """Return the share [%] of choices among k trainings that are wrong, over the cases, and its error."""
    rules = np.array([rule_of(found.isel(case=i), rule) for i in range(found.sizes["case"])])
    share = share_chosen(found["wrong"].values, rules, k)
    return f"{100 * share.value:.0f} ± {100 * share.error:.0f}"


def median_of(mine: xr.Dataset, rule: str, k: int) -> str:
    """Return the median AUC of what a rule chooses among k trainings of one case."""
    areas = mine["auc"].values[chosen(rule_of(mine, rule), sets_of(mine.sizes["start"], k))]
    return f"{np.median(areas):.3f}"


def restarts(found: xr.Dataset) -> Part:
    """Say how often single trainings are wrong, and how often the choice among several is, by each rule."""
    found = judged(found)
    n = found.sizes["start"]
    several = [k for k in CHOICES if k <= n]
    named = {str(name): found.isel(case=[i]) for i, name in enumerate(found["case"].values)} | {"all": found}
    rows = [
        [name, share_of(mine, "bound", 1), *(share_of(mine, rule, k) for rule in RULES for k in several)]
        for name, mine in named.items()
    ]
    head = ["", "one", *(f"{title}, of {k}" for title in RULES.values() for k in several)]
    return Part(
        "restarts",
        sentence(found, several),
        f"AUC of {n} trainings of each case against their training bound. Wrong: below one half, or more than "
        f"{USELESS:g} below the median of those above. Around them, which of all {n} each rule chooses.",
        figure=auc_against_bound(found, {rule: RULES[rule] for rule in SHOWN}),
        table=Table(head, rows),
        numbers=found,
    )


def sentence(found: xr.Dataset, several: Sequence[int]) -> str:
    """Return how many single trainings are wrong, and what share of the choices among several, by rule."""
    total, wrong = found["wrong"].size, int(found["wrong"].sum())
    said = f"{wrong} of {total} single trainings are wrong"
    for k in several:
        by = [f"{share_of(found, rule, k)} % by the {title}" for rule, title in RULES.items()]
        said += f"; of the choices among {k}, {listed(by)}"
    return f"{said}."


def medians(found: xr.Dataset) -> Part | None:
    """List the median AUC of what each rule chooses."""
    n = found.sizes["start"]
    several = [k for k in CHOICES if k <= n]
    if not several:
        return None
    cases = [found.isel(case=i) for i in range(found.sizes["case"])]
    rows = [
        [
            str(mine["case"].values),
            median_of(mine, "bound", 1),
            *(median_of(mine, r, k) for r in RULES for k in several),
        ]
        for mine in cases
    ]
    head = ["median AUC", "one", *(f"{title}, of {k}" for title in RULES.values() for k in several)]
    return Part("restarts-auc", "Median AUC of the one that is chosen:", table=Table(head, rows))


QUESTION = Question("restarts", "Which of several trainings is right?", (restarts, medians))
