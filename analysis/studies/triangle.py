"""``triangle``: where jets lie among three mixtures of falling weight, and what the corners decode to."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.figures.jets_and_latents import DARKEST
from analysis.report.page import Part, Question, Table
from analysis.studies.images import axes_of, corner_images
from analysis.studies.setup import Setup
from analysis.figures.style import COLOURS, IMAGE_MAP, house
from analysis.report.words import listed
from inference.data import data_for

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]])
"""Where the pure mixtures lie in the plane."""
SHOWN = 1500
"""Jets of each class that are drawn."""


@torch.no_grad()
def measure(setup: Setup) -> xr.Dataset:
    """Return the mixture weights (jet, mixture) of held-out jets, and the decoded corners."""
    run = setup.train("triangle", "image-dvae-3", {}, seeds=1)[0]
    test = setup.jets[run.split(setup.jets).test]
    vae, images = run.vae(), data_for(test, run.recipe, torch.device("cpu"))
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
        figure=draw(found),
        table=Table(
            ["class", *(f"mixture {k}" for k in range(3))],
            [[name, *(f"{weight:.3f}" for weight in w)] for name, w in mean.items()],
        ),
        numbers=found[["weight", "class_name"]],
    )


def draw(found: xr.Dataset) -> Figure:
    """Draw the triangle, a point for each jet, with the decoded corners beside it."""
    with house():
        figure = Figure(figsize=(7.4, 4.4))
        grid = figure.add_gridspec(3, 2, width_ratios=(3, 1))
        axes = figure.add_subplot(grid[:, 0])
        axes.fill(*CORNERS.T, fill=False, color="0.3", linewidth=1)
        for colour, name in zip(COLOURS, np.unique(found["class_name"]), strict=False):
            x, y = (found["weight"].values[found["class_name"] == name][:SHOWN] @ CORNERS).T
            axes.plot(x, y, ".", color=colour, markersize=2.5, alpha=0.5, label=str(name))
        for k, (corner, side) in enumerate(zip(CORNERS, ("right", "left", "center"), strict=True)):
            axes.annotate(f"mixture {k}", corner, (0, -12 if k < 2 else 6), textcoords="offset points", ha=side)
        axes.set(aspect="equal", xlim=(-0.2, 1.2))
        axes.axis("off")
        axes.legend(markerscale=4, loc="upper left")
        norm = LogNorm(DARKEST, float(found["decoded"].max()))
        for k in range(3):
            panel = figure.add_subplot(grid[k, 1], xticks=[], yticks=[], title=f"mixture {k}")
            panel.imshow(np.maximum(found["decoded"].values[k].T, DARKEST), origin="lower", norm=norm, cmap=IMAGE_MAP)
            panel.minorticks_off()
    return figure


QUESTION = Question("triangle", "How do jets lie among three mixtures?", (triangle,))
