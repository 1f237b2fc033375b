"""``complexity``: reconstruction tags one way only, since it follows how much there is to describe, not how odd."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.stats import spearmanr

from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.jet_scores import capped
from analysis.figures.complexity import complexity_bands
from analysis.measures.tagging import auc
from analysis.measures.typicality import blurred_entropy
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed
from analysis.studies.setup import Setup
from inference.data import data_for

MEASURES = {
    "constituents": "constituents",
    "active_pixels": "active pixels",
    "entropy": "image entropy [nat]",
    "blurred_entropy": "blurred entropy [nat]",
}
"""Variable -> what it is on an axis."""
NAMES = {name: text.removesuffix(" [nat]") for name, text in MEASURES.items()}


def measure(setup: Setup) -> xr.Dataset:
    """Return measures of complexity and the reconstruction (trained_on, jet) [nat] of held-out jets."""
    runs = []
    for background, absent in (setup.classes, setup.classes[::-1]):
        changes = {"data.fraction": {absent: 0.0}, "data.limit": 3000, "training.epochs": 40}
        runs += setup.train(f"complexity-{background}", "image-vae", changes, seeds=1)[:1]
    jets = capped(setup.jets[runs[0].split.test], setup.most)  # the split is the same for both
    images = data_for(jets, runs[0].recipe, torch.device("cpu"))
    x = images[torch.arange(len(images))].unflatten(-1, (images.config.pixels, -1)).numpy()
    sharp, blurred = blurred_entropy(x, (0.0, 4.0)).T
    reconstruction = [evaluate_jets(run.vae, images, 4)["sample_stats"]["reconstruction"].values for run in runs]
    return xr.Dataset(
        {
            "constituents": ("jet", (jets.constituents[..., 0] > 0).sum(1)),
            "active_pixels": ("jet", (x > 0).sum((1, 2))),
            "entropy": ("jet", sharp),
            "blurred_entropy": ("jet", blurred),
            "reconstruction": (("trained_on", "jet"), np.stack(reconstruction), {"units": "nat"}),
            "class_name": ("jet", np.array(jets.classes)[jets.label]),
        },
        {"trained_on": list(setup.classes)},
    )


def complexity(found: xr.Dataset) -> Part:
    """Compare the reconstruction with each measure, and say how well it tags."""
    label = np.asarray(found["class_name"])
    rows, said = [], []
    for name in found["trained_on"].values:
        mine = found["reconstruction"].sel(trained_on=name).values
        area = auc(mine[label != name], mine[label == name], repeats=2).value
        ranks = {measure: spearmanr(found[measure], mine).statistic for measure in MEASURES}
        rows.append([str(name), f"{area:.3f}", *(f"{rank:.2f}" for rank in ranks.values())])
        best = max(ranks, key=lambda measure: abs(ranks[measure]))
        said.append(
            f"trained on {name} its rank correlation with the {NAMES[best]} is {ranks[best]:.2f}, and it tags the "
            f"other class with AUC {area:.3f}"
        )
    return Part(
        "complexity",
        f"The reconstruction error follows what there is to describe: {listed(said)}.",
        "Reconstruction error of held-out jets against four measures of complexity, the last that of the image blurred "
        "by 4 pixels: median and central 68 % in twelve quantile bins.",
        figure=complexity_bands(found, MEASURES),
        table=Table(["trained on", "AUC of the other class", *(f"rank: {name}" for name in NAMES.values())], rows),
        numbers=found,
    )


QUESTION = Question("complexity", "Why does reconstruction tag one way only?", (complexity,))
