"""``complexity``: why reconstruction tags one way only: it follows how much there is to describe, not how odd it is."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from analysis.evaluation.image_scores import capped
from analysis.report.page import Part, Question, Table
from analysis.measures.tagging import auc
from analysis.studies.setup import Setup
from analysis.figures.style import COLOURS, house
from analysis.evaluation.tree import evaluate_jets
from analysis.measures.typicality import blurred_entropy
from analysis.report.words import listed
from inference.data import data_for

MEASURES = {
    "constituents": "constituents",
    "active_pixels": "active pixels",
    "entropy": "image entropy [nat]",
    "blurred_entropy": "blurred entropy [nat]",
}
"""Variable -> what it is on an axis."""
NAMES = {name: text.removesuffix(" [nat]") for name, text in MEASURES.items()}
BANDS = 12
"""Quantile bins in which the median reconstruction is drawn."""


def measure(setup: Setup) -> xr.Dataset:
    """Return measures of complexity and the reconstruction (trained_on, jet) [nat] of held-out jets."""
    runs = []
    for background, absent in (setup.classes, setup.classes[::-1]):
        changes = {"data.fraction": {absent: 0.0}, "data.limit": 3000, "training.epochs": 40}
        runs += setup.train(f"complexity-{background}", "image-vae", changes, seeds=1)[:1]
    jets = capped(setup.jets[runs[0].split(setup.jets).test], setup.most)  # the split is the same for both
    images = data_for(jets, runs[0].recipe, torch.device("cpu"))
    x = images[torch.arange(len(images))].unflatten(-1, (images.config.pixels, -1)).numpy()
    sharp, blurred = blurred_entropy(x, (0.0, 4.0)).T
    reconstruction = [evaluate_jets(run.vae(), images, 4)["sample_stats"]["reconstruction"].values for run in runs]
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
        figure=draw(found),
        table=Table(["trained on", "AUC of the other class", *(f"rank: {name}" for name in NAMES.values())], rows),
        numbers=found,
    )


def draw(found: xr.Dataset) -> Figure:
    """Draw the reconstruction against each measure, by class; a row for each training class."""
    label = np.asarray(found["class_name"])
    with house():
        figure = Figure(figsize=(2.5 * len(MEASURES), 4.6))
        grid = figure.subplots(2, len(MEASURES), sharex="col", sharey="row")
        for row, name in zip(grid, found["trained_on"].values, strict=True):
            for axes, measure_name in zip(row, MEASURES, strict=True):
                for colour, kind in zip(COLOURS, found["trained_on"].values, strict=False):
                    mine = found.sel(trained_on=name, jet=label == kind)
                    band(axes, mine[measure_name].values, mine["reconstruction"].values, colour, str(kind))
            row[0].set_ylabel(f"reconstruction [nat]\ntrained on {name}")
        for axes, text in zip(grid[1], MEASURES.values(), strict=True):
            axes.set_xlabel(text)
        grid[0, 0].legend(title="median, 68 %")
    return figure


def band(axes: Axes, x: NDArray, y: NDArray, colour: str, name: str) -> None:
    """Draw median and central 68 % of y in quantile bins of x."""
    order = np.array_split(np.argsort(x, kind="stable"), BANDS)
    centre = [np.median(x[rows]) for rows in order]
    low, middle, high = np.transpose([np.quantile(y[rows], (0.16, 0.5, 0.84)) for rows in order])
    axes.plot(centre, middle, color=colour, label=name)
    axes.fill_between(centre, low, high, color=colour, alpha=0.25, linewidth=0)


QUESTION = Question("complexity", "Why does reconstruction tag one way only?", (complexity,))
