"""``triangle``: where jets lie among three mixtures of falling weight, and what the corners decode to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.figures.triangle import triangle_and_corners
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed
from analysis.studies.images import axes_of, corner_images
from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run
from jets import Jets

MINORITY = 0.05
"""Jets of the other class over those of the one that most are."""


def cases(setup: Setup) -> dict[str, dict[str, Any]]:
    """Return case -> what is changed in ``image-dvae-3``: as many of both classes, mostly one, mostly the other."""
    first, second = setup.classes
    mostly = {
        f"mostly {one}": {"data.fraction": {other: MINORITY}} for one, other in ((first, second), (second, first))
    }
    return {"alike": {}, **mostly}


def measure(setup: Setup) -> xr.Dataset:
    """Return the mixture weights (case, jet, mixture) of held-out jets, and the decoded corners."""
    changed = cases(setup)
    runs = [
        setup.train("triangle" if case == "alike" else f"triangle-{i}", "image-dvae-3", changes, seeds=1)[0]
        for i, (case, changes) in enumerate(changed.items())
    ]
    test = setup.jets[runs[0].split.test]  # held-out jets are never thinned, the same for all
    return xr.Dataset(
        {
            "weight": (("case", "jet", "mixture"), np.stack([weights(run, test) for run in runs])),
            "decoded": (("case", "mixture", "eta", "phi"), np.stack([corner_images(run) for run in runs])),
            "class_name": ("jet", np.array(test.classes)[test.label]),
        },
        {"case": list(changed), "mixture": range(3), **axes_of(runs[0])},
    )


@torch.no_grad()
def weights(run: Run, jets: Jets) -> NDArray[np.floating]:
    """Return the weights of the mixtures of jets at the centre of the posterior, ``(jet, mixture)``."""
    vae, images = run.vae, data_for(jets, run.recipe, torch.device("cpu"))
    parts = [vae.latent.points(vae.encode(x)) for x in images.batches(torch.arange(len(images)), 1000)]
    return torch.cat(parts).numpy()


def part_of(found: xr.Dataset, case: int, name: str) -> Part | None:
    """Say where each class lies; nothing of a case that was not measured."""
    if "case" not in found.dims:  # measured before there were several
        found = found.expand_dims(case=["alike"])
        found["class_name"] = found["class_name"].isel(case=0)
    if case >= found.sizes["case"]:
        return None
    mine = found.isel(case=case)
    mean = {
        str(label): mine["weight"].values[mine["class_name"] == label].mean(0)
        for label in np.unique(mine["class_name"])
    }
    said = [f"{label} is {100 * w.max():.0f} % mixture {w.argmax()}" for label, w in mean.items()]
    trained = str(mine["case"].values)
    where = "On" if trained == "alike" else f"Trained on {trained}, {100 * MINORITY:g} % of the other, on"
    return Part(
        name,
        f"{where} average {listed(said)}.",
        "Each held-out jet at its mixture weights, and the image that each corner decodes to.",
        figure=triangle_and_corners(mine),
        table=Table(
            ["class", *(f"mixture {k}" for k in range(3))],
            [[label, *(f"{weight:.3f}" for weight in w)] for label, w in mean.items()],
        ),
        numbers=mine[["weight", "class_name"]],
    )


def triangle(found: xr.Dataset) -> Part | None:
    """Of as many jets of both classes."""
    return part_of(found, 0, "triangle")


def mostly_first(found: xr.Dataset) -> Part | None:
    """Of mostly the first class: the second is anomalous."""
    return part_of(found, 1, "triangle-mostly-first")


def mostly_second(found: xr.Dataset) -> Part | None:
    """Of mostly the second class: the first is anomalous."""
    return part_of(found, 2, "triangle-mostly-second")


QUESTION = Question("triangle", "How do jets lie among three mixtures?", (triangle, mostly_first, mostly_second))
