"""``mixtures``: the images that the two mixtures decode to, beside the class averages, as t/Q falls."""

from __future__ import annotations

from itertools import product

import numpy as np
import xarray as xr

from analysis.figures.images import image_columns
from analysis.figures.style import class_label
from analysis.report.page import Part, Question, Table
from analysis.studies.fractions import case, changes
from analysis.studies.images import axes_of, class_averages, corner_images
from analysis.studies.setup import Setup

SHOWN = (1.0, 0.25, 0.05, 0.01)


def measure(setup: Setup) -> xr.Dataset:
    """Return decoded mixtures (fraction, mixture, eta, phi) of the first seed, and average images of the classes."""
    decoded = []
    for fraction in SHOWN:
        run = setup.best(case(fraction), "image-dvae", changes(setup, fraction))[0]
        decoded.append(corner_images(run))
    average = class_averages(run, setup)
    return xr.Dataset(
        {
            "decoded": (("fraction", "mixture", "eta", "phi"), np.stack(decoded)),
            "average": (("class", "eta", "phi"), average),
        },
        {"fraction": list(SHOWN), "mixture": [0, 1], "class": list(setup.classes), **axes_of(run)},
    )


def mixtures(found: xr.Dataset) -> Part:
    """Compare each decoded mixture with the average image of each class."""
    known = [str(name) for name in found["class"].values]
    rows = []
    for fraction, mixture in product(found["fraction"].values, found["mixture"].values):
        image = found["decoded"].sel(fraction=fraction, mixture=mixture).values
        shared = np.minimum(image, found["average"].values).sum((1, 2))
        rows.append([f"{fraction:g}, {mixture}", *(f"{value:.3f}" for value in shared)])
    reading = (
        f"At t/Q = {rows[-1][0].split(',')[0]} the second mixture's image shares {rows[-1][1]} of its pT with the "
        f"average {known[0]} image and {rows[-1][2]} with the average {known[1]} image; the first, {rows[-2][1]} and "
        f"{rows[-2][2]}."
    )
    return Part(
        "mixtures",
        reading,
        "Average images of the held-out classes, then the two decoded mixtures of one training at each t/Q.",
        figure=image_columns(columns(found)),
        table=Table(["t/Q, mixture", *(f"shared with {name}" for name in known)], rows),
        numbers=found[["decoded"]],
    )


def columns(found: xr.Dataset) -> list[list[tuple[str, xr.DataArray]]]:
    """Return titles and images: the class averages, then a column for each t/Q."""
    average = found["average"]
    result = [[(f"average {class_label(name)}", average.sel({"class": name})) for name in average["class"].values]]
    for fraction in found["fraction"].values:
        mine = found["decoded"].sel(fraction=fraction)
        result.append([(f"mixture {m}, t/Q = {fraction:g}", mine.sel(mixture=m)) for m in (0, 1)])
    return result


QUESTION = Question("mixtures", "What do the mixtures look like?", (mixtures,))
