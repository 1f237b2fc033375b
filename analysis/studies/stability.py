"""``stability``: one latent dimension, AE, VAE, GMVAE and DVAE, followed over 200 epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from analysis.bimodality import bimodality
from analysis.evidence import capped
from analysis.page import Part, Question, Table
from analysis.scores import auc
from analysis.studies.setup import LABELS, Setup
from analysis.style import COLOURS, house
from analysis.words import listed, spread
from inference.data import data_for, split
from inference.fit import trainer_for
from inference.machine import tune_cpu
from inference.recipe import Recipe
from jets import Jets
from jets.files import replacing
from models import VAE

LATENTS = {"ae": "R1", "vae": "R1", "gmvae": "G1:2", "dvae": "L2(alpha=0.9)"}
EPOCHS = 200
SIZE = 500
"""Training jets of each class; the authors took 1,000."""
MOST = 1000
"""Held-out jets of each class that are followed."""
COLLAPSED = 0.55
"""A seed whose latent separates the classes no better than this, turned as suits, has collapsed."""


def looks(epochs: int) -> list[int]:
    """Return the epochs at which the latents are looked at: closer together at the start."""
    return sorted({e for e in (0, 1, 2, 5, *range(10, epochs + 1, 10), epochs) if e <= epochs})


def measure(setup: Setup) -> xr.Dataset:
    """Return latent, separation and bi-modality (model, seed, epoch) of held-out jets."""
    models = list(LATENTS)
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
    changes = {"model.latent": LATENTS[model], "data.limit": SIZE, "training.epochs": EPOCHS}
    folders = setup.folders(f"stability-{model}", 10)
    recipes = [setup.recipe(f"image-{model}", seed, changes) for seed in range(len(folders))]
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
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, values)


def stability(found: xr.Dataset) -> Part:
    """Say which models end bi-modal and separated, and how often one collapses."""
    rows, said = [], []
    for model in found["model"].values:
        mine = found.sel(model=model)
        separation, drift = mine["separation"].isel(epoch=-1).values, mine["separation"].isel(epoch=slice(-6, None))
        modes, collapsed = mine["bimodality"].isel(epoch=-1).values, int((separation < COLLAPSED).sum())
        change = f"{float(drift.std('epoch').median()):.4f}"
        rows.append([LABELS[model], spread(separation), change, spread(modes), f"{collapsed} of {len(modes)}"])
        said.append(f"{LABELS[model]} {np.median(separation):.3f} and {np.median(modes):.3f}")
    return Part(
        "stability",
        f"After {int(found['epoch'][-1])} epochs, separation of the classes and bi-modality of the latent, medians of "
        f"the seeds: {listed(said)}.",
        "One latent dimension, a line for each seed: how well the latent separates the classes (turned as suits), the "
        "share of jets that would have to move for it to have one peak, and the latent of the seed of median "
        "bi-modality at the end.",
        figure=draw(found),
        table=Table(
            ["model", "max(AUC, 1 - AUC)", "its change, last 50 epochs", "bi-modality", "collapsed"],
            rows,
        ),
        numbers=found[["separation", "bimodality"]],
    )


def draw(found: xr.Dataset) -> Figure:
    """Draw separation and bi-modality against the epoch, a line for each seed, and the latent of the median seed."""
    models = [str(name) for name in found["model"].values]
    with house():
        figure = Figure(figsize=(2.3 * len(models) + 0.4, 6.2))
        grid = figure.subplots(3, len(models), squeeze=False, sharey="row")
        for i, model in enumerate(models):
            mine = found.sel(model=model)
            for row, name in enumerate(("separation", "bimodality")):
                grid[row, i].plot(found["epoch"], mine[name].T, color=COLOURS[i], linewidth=0.8, alpha=0.8)
            grid[0, i].set(title=LABELS[model], ylim=(0.48, 1))
            grid[1, i].set(xlabel="epoch")
            histogram(grid[2, i], mine.isel(epoch=-1), np.asarray(found["class_name"]))
        for row, label in enumerate(("max(AUC, 1 - AUC)", "bi-modality of the latent", "jets, normalised")):
            grid[row, 0].set_ylabel(label)
        grid[2, 0].legend()
    return figure


def histogram(axes: Axes, final: xr.Dataset, names: NDArray) -> None:
    """Draw the latent of the seed of median bi-modality by class, its central 99 % scaled to [0, 1]."""
    seed = int(np.argsort(final["bimodality"].values)[final.sizes["seed"] // 2])
    values = final["latent"].isel(seed=seed).values
    low, high = np.quantile(values, (0.005, 0.995))
    edges = np.linspace(0, 1, 41)
    for colour, name in zip(COLOURS, dict.fromkeys(names), strict=False):
        density, _ = np.histogram((values[names == name] - low) / max(high - low, 1e-12), edges, density=True)
        axes.stairs(density, edges, color=colour, label=str(name), linewidth=1.4)
    axes.set(xlabel=f"latent, seed {seed} (rescaled)", yticks=[])


QUESTION = Question("stability", "Is a latent dimension stable, and bi-modal?", (stability,))
