"""``coupling``: a plain autoencoder's latents depend on its architecture, those of a VAE on the points alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from analysis.evaluation.resolutions import centres_and_widths
from analysis.figures.coupling import rms_by_width
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed
from analysis.studies.setup import IN_SECONDS, LABELS, Setup
from inference.data import data_for
from inference.run import Run

TOY = "toy:curve(n=8000)"
WIDTHS = (8, 128)
"""Units of each of the two hidden layers of encoder and decoder."""
BETA, EPOCHS, SEEDS = 0.1, 60, 3
USED = 0.1
"""A coordinate whose centres have a smaller rms carries nothing."""


def changes(width: int) -> dict[str, Any]:
    """Return what is changed in ``ae-toy`` and ``vae-toy``."""
    layers = {"model.encoder": [width] * 2, "model.decoder": [width] * 2}
    return {"data.files": (TOY,), "model.beta": BETA, "training.epochs": EPOCHS, **IN_SECONDS, **layers}


def measure(setup: Setup) -> xr.Dataset:
    """Return the rms of the centres of each latent coordinate, largest first (model, width, seed, rank)."""
    found = [
        [[rms(run) for run in setup.train(f"coupling-{kind}-{w}", f"{kind}-toy", changes(w), SEEDS)] for w in WIDTHS]
        for kind in ("ae", "vae")
    ]
    coordinates = {"model": ["ae", "vae"], "width": list(WIDTHS), "rank": range(1, len(found[0][0][0]) + 1)}
    return xr.Dataset(
        {"rms": (("model", "width", "seed", "rank"), np.array(found))}, coordinates, {"jets": [TOY], "beta": BETA}
    )


@torch.no_grad()
def rms(run: Run) -> np.ndarray:
    """Return the root mean square of the centres of each coordinate over held-out points, ``(n,)``, largest first."""
    points = data_for(run.jets[run.split.test], run.recipe, torch.device("cpu"))
    centre, _ = centres_and_widths(run.vae, points[torch.arange(len(points))])
    return -np.sort(-np.asarray((centre**2).mean(0).sqrt(), float))


def effective(values: xr.DataArray) -> xr.DataArray:
    r"""Return how many coordinates share the variance, :math:`(\sum_i v_i)^2 / \sum_i v_i^2` with v = rms^2."""
    variance = values**2
    return variance.sum("rank") ** 2 / (variance**2).sum("rank")


def coupling(found: xr.Dataset) -> Part:
    """Compare, between architectures and seeds, how many coordinates are in use, and how far they reach."""
    said, rows = [], []
    for model in found["model"].values:
        mine = found["rms"].sel(model=model)
        number = effective(mine)
        largest = mine.isel(rank=0)
        said.append(
            f"in the {LABELS[model]} the largest rms of a latent coordinate is {float(largest.min()):.2f} to "
            f"{float(largest.max()):.2f}, and {float(number.min()):.1f} to {float(number.max()):.1f} coordinates share "
            "the variance"
        )
        for width, seed in np.ndindex(mine.sizes["width"], mine.sizes["seed"]):
            cells = [f"{value:.2f}" for value in mine.isel(width=width, seed=seed).values]
            rows.append([f"{LABELS[model]}, {int(mine['width'][width])}, seed {seed}", *cells])
    return Part(
        "coupling",
        f"Over {found.sizes['width']} widths of the networks and {found.sizes['seed']} seeds on the points of one "
        f"curve, {listed(said)}.",
        "Root mean square of the centre of each latent coordinate, largest first; a line for each seed.",
        figure=rms_by_width(found["rms"], {model: LABELS[model] for model in found["model"].values}),
        table=Table(["model, width, seed", *(f"rms {rank}" for rank in found["rank"].values)], rows),
        numbers=found,
    )


QUESTION = Question("coupling", "Are the latents those of the data, or of the architecture?", (coupling,))
