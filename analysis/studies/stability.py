"""``stability``: one latent dimension of AE, VAE, DVAE and of GMVAEs, learned and fixed, followed over 200 epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.evaluation.jet_scores import capped
from analysis.figures.stability import stability_panels
from analysis.measures.bimodality import bimodality
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed, spread
from analysis.studies.setup import LABELS, Setup
from inference.data import data_for
from inference.machine import tune_cpu
from inference.recipe import Recipe
from inference.splits import split
from inference.training import trainer_for
from jets import Jets
from jets.files import save_npy
from models import VAE

BETA = {"model.beta": 0.1}
"""N = 10 pseudo-counts, those of the authors' DVAE."""
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "ae": ("image-ae", {"model.latent": "R1"}),
    "vae": ("image-vae", {"model.latent": "R1", **BETA}),
    "gmvae": ("image-gmvae", {"model.latent": "G1:2", **BETA}),
    "gmvae-fixed": ("image-gmvae", {"model.latent": "G1:2(apart=8)", **BETA}),
    "dvae": ("image-dvae", {"model.latent": "L2(alpha=0.9)", **BETA}),
}
"""Model -> its recipe and what is changed in it."""
EPOCHS = 200
SIZE = 1000
"""Training jets of each class, as the authors'."""
MOST = 1000
"""Held-out jets of each class that are followed."""
COLLAPSED = 0.55
"""A seed whose latent separates the classes no better than this, turned as suits, has collapsed."""
HEAD = ("model", "max(AUC, 1 - AUC)", "sd over the last 50 epochs", "bi-modality", "collapsed")


def looks(epochs: int) -> list[int]:
    """Return the epochs at which the latents are looked at: closer together at the start."""
    return sorted({e for e in (0, 1, 2, 5, *range(10, epochs + 1, 10), epochs) if e <= epochs})


def measure(setup: Setup) -> xr.Dataset:
    """Return latent, separation and bi-modality (model, seed, epoch) of held-out jets."""
    models = list(MODELS)
    points = np.stack([follow(setup, model) for model in models])
    epochs = looks(setup.changes.get("training.epochs", EPOCHS))
    label = held_out(setup, setup.recipe("image-ae", 0, {})).label
    where = (*points.shape[:3], -1)
    flat = points.reshape(-1, points.shape[-1])
    separation = np.array([separated(row, label) for row in flat]).reshape(where)[..., 0]
    return xr.Dataset(
        {
            "latent": (("model", "seed", "epoch", "jet"), points),
            "separation": (("model", "seed", "epoch"), separation),
            "bimodality": (
                ("model", "seed", "epoch"),
                np.array([bimodality(row) for row in flat]).reshape(where)[..., 0],
            ),
            "class_name": ("jet", np.array(setup.jets.classes)[label]),
        },
        {"model": models, "epoch": epochs, "seed": range(points.shape[1])},
    )


def separated(values: NDArray, label: NDArray[np.int64]) -> float:
    """Return max(AUC, 1 - AUC): the labels diagnose the latent here, they do not tag."""
    area = auc(values[label == 1], values[label == 0], repeats=2).value
    return max(area, 1 - area)


def held_out(setup: Setup, recipe: Recipe) -> Jets:
    """Return up to 1,000 held-out jets of each class, one class after the other: other jets for every seed."""
    test = setup.jets[split(setup.jets, recipe.data, recipe.training.seed).test]
    return capped(test, MOST)


def follow(setup: Setup, model: str) -> NDArray[np.float32]:
    """Return the latent (seed, epoch, jet) of one model; each look is kept, so that an interruption costs little."""
    tune_cpu()
    name, changes = MODELS[model]
    changes = {**changes, "data.limit": SIZE, "training.epochs": EPOCHS}
    folders = setup.folders(f"stability-{model}", 10)
    recipes = [setup.recipe(name, seed, changes) for seed in range(len(folders))]
    kept = {epoch: folders[0].parent / f"epoch{epoch}.npy" for epoch in looks(recipes[0].training.epochs)}
    if not all(path.exists() for path in kept.values()):
        begun = all((folder / "config.toml").exists() for folder in folders)
        trainer = trainer_for(recipes, folders, resume=begun)
        samples = [data_for(held_out(setup, recipe), recipe, trainer.device) for recipe in recipes]
        images = [sample[torch.arange(len(sample))] for sample in samples]
        for epoch, path in kept.items():
            trainer.train(until=epoch)
            if not path.exists():
                keep(path, np.stack([points(vae, x) for vae, x in zip(trainer.vaes, images, strict=True)]))
    return np.stack([np.load(path) for path in kept.values()], 1)


@torch.no_grad()
def points(vae: VAE, images: Tensor) -> NDArray[np.float32]:
    """Return the posterior centre of images ``(B, K)``: of a simplex, the weight of the last mixture."""
    vae.eval()
    return vae.latent.points(vae.encode(images))[:, -1].cpu().numpy()


def keep(path: Path, values: NDArray[np.float32]) -> None:
    """Save an array, atomically."""
    save_npy(values, path)


def stability(found: xr.Dataset) -> Part:
    """Say which models end bi-modal and separated, and how often one collapses."""
    rows = {str(model): table_row(found.sel(model=model)) for model in found["model"].values}
    last = found.isel(epoch=-1).median("seed")
    said = (
        f"{LABELS[model]} {float(one['separation']):.3f} and {float(one['bimodality']):.3f}"
        for model, one in ((model, last.sel(model=model)) for model in rows)
    )
    return Part(
        "stability",
        f"After {int(found['epoch'][-1])} epochs, separation of the classes and bi-modality of the latent, medians of "
        f"the seeds: {listed(said)}.",
        "One latent dimension. A line for each seed: how well the latent separates the classes (turned as suits), and "
        "its bi-modality, the share of jets that would have to move for it to have one peak. Below, the latent of the "
        "seed of median bi-modality: its histogram against the epoch, and by class at the end (0 to 1: central 99 %).",
        figure=stability_panels(found, LABELS),
        table=Table(HEAD, [[LABELS[model], *cells] for model, cells in rows.items()]),
        numbers=found[["separation", "bimodality"]],
    )


def table_row(mine: xr.Dataset) -> list[str]:
    """Return the numbers of one model: at the end, and how far a seed's separation moves in the last epochs."""
    last, late = mine.isel(epoch=-1), mine["separation"].isel(epoch=slice(-6, None))
    separation, collapsed = last["separation"].values, int((last["separation"] < COLLAPSED).sum())
    drift = f"{float(late.std('epoch').median()):.4f}"
    return [spread(separation), drift, spread(last["bimodality"].values), f"{collapsed} of {len(separation)}"]


QUESTION = Question("stability", "Is a latent dimension stable, and bi-modal?", (stability,))
