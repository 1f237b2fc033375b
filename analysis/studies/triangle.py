"""``triangle``: where jets lie among three mixtures of falling weight, and what the corners decode to."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from analysis.figures.triangle import triangle_and_corners
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed
from analysis.studies.images import axes_of, corner_images
from analysis.studies.setup import Setup
from inference.data import data_for


@torch.no_grad()
def measure(setup: Setup) -> xr.Dataset:
    """Return the mixture weights (jet, mixture) of held-out jets, and the decoded corners."""
    run = setup.train("triangle", "image-dvae-3", {}, seeds=1)[0]
    test = setup.jets[run.split.test]
    vae, images = run.vae, data_for(test, run.recipe, torch.device("cpu"))
    parts = [vae.latent.points(vae.encode(x)) for x in images.batches(torch.arange(len(images)), 1000)]
    return xr.Dataset(
        {
            "weight": (("jet", "mixture"), torch.cat(parts).numpy()),
            "decoded": (("mixture", "eta", "phi"), corner_images(run)),
            "class_name": ("jet", np.array(test.classes)[test.label]),
        },
        {"mixture": range(3), **axes_of(run)},
    )


def triangle(found: xr.Dataset) -> Part:
    """Say where each class lies."""
    mean = {
        str(name): found["weight"].values[found["class_name"] == name].mean(0)
        for name in np.unique(found["class_name"])
    }
    said = [f"{name} is {100 * w.max():.0f} % mixture {w.argmax()}" for name, w in mean.items()]
    return Part(
        "triangle",
        f"On average {listed(said)}.",
        "Each held-out jet at its mixture weights, and the image that each corner decodes to.",
        figure=triangle_and_corners(found),
        table=Table(
            ["class", *(f"mixture {k}" for k in range(3))],
            [[name, *(f"{weight:.3f}" for weight in w)] for name, w in mean.items()],
        ),
        numbers=found[["weight", "class_name"]],
    )


QUESTION = Question("triangle", "How do jets lie among three mixtures?", (triangle,))
