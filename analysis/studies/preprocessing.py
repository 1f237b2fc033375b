"""``preprocessing``: what centring, rotating and flipping the images do to each score, and to its tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import spearmanr

from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.jet_scores import capped
from analysis.figures.preprocessing import auc_by_steps
from analysis.measures.tagging import performance
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed, spread
from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run
from jets import Jets

STEPS = {"centre": ("centre",), "+ rotate": ("centre", "rotate"), "+ flip": ("centre", "rotate", "flip")}
"""Name -> steps of the images."""
SCORES = ("reconstruction", "mixture")
NUMBERS = ("auc", "rejection", "mass")
EPOCHS, SIZE, SEEDS = 20, 2000, 3


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC, 1/eps_B at eps_S = 0.3 and rank correlation with the mass (steps, seed, score)."""
    rows = []
    for i, steps in enumerate(STEPS.values()):
        changes: dict[str, Any] = {"image.steps": steps, "data.limit": SIZE, "training.epochs": EPOCHS}
        runs = setup.train(f"preprocessing-{i}", "image-dvae", changes, SEEDS)
        rows.append([numbers(run, capped(setup.jets[run.split.test], setup.most)) for run in runs])
    values = np.array(rows)
    where = ("steps", "seed", "score")
    return xr.Dataset(
        {name: (where, values[..., k]) for k, name in enumerate(NUMBERS)},
        {"steps": list(STEPS), "score": list(SCORES)},
        {"classes": list(setup.classes)},
    )


@torch.no_grad()
def numbers(run: Run, jets: Jets) -> list[list[float]]:
    """Return the numbers of each score of held-out jets, of the second class as signal."""
    images, signal = data_for(jets, run.recipe, torch.device("cpu")), jets.label == 1
    weight = run.vae.latent.points(run.vae.encode(images[torch.arange(len(images))]))[:, 0].numpy()
    if np.median(weight[signal]) < np.median(weight[~signal]):
        weight = 1 - weight  # two mixtures of equal prior: which is which is chosen with labels
    reconstruction = evaluate_jets(run.vae, images, 4)["sample_stats"]["reconstruction"].values
    mass = jets.jet["mass"] if "mass" in jets.jet else np.full(len(jets), np.nan)
    return [of_score(np.asarray(score), signal, mass) for score in (reconstruction, weight)]


def of_score(score: np.ndarray, signal: np.ndarray, mass: np.ndarray) -> list[float]:
    """Return AUC, rejection, and the rank correlation with the mass within the background, all ``(jet,)``."""
    found = performance(score[signal], score[~signal], repeats=2)
    rank = spearmanr(score[~signal], mass[~signal]).statistic
    return [found["auc"].value, found["rejection_30"].value, float(rank)]


def preprocessing(found: xr.Dataset) -> Part:
    """Say what each step does to the scores."""
    rows, said = [], []
    for score in SCORES:
        mine = found.sel(score=score)
        middle = mine["auc"].median("seed").values
        said.append(f"the {score} {', '.join(f'{value:.3f}' for value in middle)}")
        for steps in found["steps"].values:
            one = mine.sel(steps=steps)
            tail, mass = float(one["rejection"].median()), float(one["mass"].median())
            rows.append([f"{score}, {steps}", spread(one["auc"].values), f"{tail:.1f}", f"{mass:.2f}"])
    background, signal = found.attrs["classes"]
    return Part(
        "preprocessing",
        f"Centred, also rotated, also flipped, the DVAE tags {signal} with a median AUC of {listed(said)} (the "
        "orientation of the mixture is chosen with labels).",
        f"AUC and rejection of {background} at 30 % signal efficiency, a point for each seed, as steps are added.",
        figure=auc_by_steps(found),
        table=Table(["score, steps", "AUC (range)", "1/eps_B (0.3)", f"rank with mass, {background}"], rows),
        numbers=found,
    )


QUESTION = Question("preprocessing", "What do the steps of the pre-processing do?", (preprocessing,))
