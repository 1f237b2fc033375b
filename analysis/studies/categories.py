"""``categories``: a category before the continuous latents of a mixed sample, and what each decodes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.jet_scores import capped
from analysis.figures.images import image_columns
from analysis.figures.style import class_label
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import spread
from analysis.studies.images import axes_of, class_averages
from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run
from jets import Jets

LATENT, BETA = "C2 x R2", 0.1
EPOCHS, SIZE, SEEDS = 20, 2000, 3


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC and share (seed,) of the category, and the images of the seed of best bound, and of the classes."""
    changes: dict[str, Any] = {
        "model.latent": LATENT,
        "model.beta": BETA,
        "training.epochs": EPOCHS,
        "data.limit": SIZE,
    }
    runs = setup.train("categories", "image-vae", changes, SEEDS)
    found = np.array([agreement(run, capped(setup.jets[run.split.test], setup.most)) for run in runs])
    best = int(np.argmin([run.ended["loss"] for run in runs]))
    return xr.Dataset(
        {
            "auc": ("seed", found[:, 0]),
            "share": ("seed", found[:, 1]),
            "decoded": (("category", "eta", "phi"), decoded(runs[best])),
            "average": (("class", "eta", "phi"), class_averages(runs[best], setup)),
        },
        {"category": [0, 1], "class": list(setup.classes), **axes_of(runs[best])},
        {"best": best, "latent": LATENT},
    )


@torch.no_grad()
def agreement(run: Run, jets: Jets) -> tuple[float, float]:
    """Return the AUC of the category's probability, turned with labels, and the share of jets of the first one."""
    x, space = data_for(jets, run.recipe, torch.device("cpu")), run.vae.latent
    points = space.points(run.vae.encode(x[torch.arange(len(x))])).numpy()
    first = points[:, space.coordinate_kinds.index("category")]
    signal = jets.label == 1
    area = auc(first[signal], first[~signal], repeats=2).value
    return max(area, 1 - area), float((first > 0.5).mean())


@torch.no_grad()
def decoded(run: Run) -> NDArray[np.float32]:
    """Return the image of each category with the continuous latents at 0, ``(category, eta, phi)``."""
    space, pixels = run.vae.latent, run.recipe.image.pixels
    z = {
        label: torch.eye(2) if "category" in factor.coordinate_kinds else torch.zeros(2, factor.dim)
        for label, factor in space.items
    }
    return run.vae.decode(space.features(z)).mean.reshape(-1, pixels, pixels).numpy()


def categories(found: xr.Dataset) -> Part:
    """Say how well the category separates the classes, and what its images share with their averages."""
    best = int(found.attrs["best"])
    shared = np.minimum(found["decoded"].values[:, None], found["average"].values).sum((2, 3))
    known = [str(name) for name in found["class"].values]
    rows = [[f"category {k}", *(f"{value:.3f}" for value in row)] for k, row in enumerate(shared)]
    return Part(
        "categories",
        f"The category of {found.attrs['latent']}, found without labels, separates {known[1]} from {known[0]} with AUC "
        f"{spread(found['auc'].values)} over {found.sizes['seed']} seeds (which category is which is chosen with "
        f"labels); in the seed of best bound, with {float(found['auc'][best]):.3f}, the one shares {shared[0, 0]:.2f} "
        f"of its pT with the average {known[0]} image and {shared[0, 1]:.2f} with that of {known[1]}, the other "
        f"{shared[1, 0]:.2f} and {shared[1, 1]:.2f}.",
        "Average images of the held-out classes, and what each category decodes to, the continuous latents at 0.",
        figure=image_columns(columns(found)),
        table=Table(["", *(f"shared with {name}" for name in known)], rows),
        numbers=found[["auc", "share", "decoded"]],
    )


def columns(found: xr.Dataset) -> list[list[tuple[str, xr.DataArray]]]:
    """Return titles and images: the class averages, then the categories."""
    average = found["average"]
    classes = [(f"average {class_label(name)}", average.sel({"class": name})) for name in average["class"].values]
    return [[each] for each in classes] + [
        [(f"category {k}", found["decoded"].sel(category=k))] for k in found["category"].values
    ]


QUESTION = Question("categories", "What does a category mean?", (categories,))
