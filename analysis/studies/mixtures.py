"""``mixtures``: the images that the two mixtures decode to, beside the class averages, as t/Q falls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.studies.fractions import case, changes
from analysis.studies.images import average_images, axes_of, corner_images, draw_images
from analysis.studies.setup import Setup

SHOWN = (1.0, 0.25, 0.05, 0.01)


def measure(setup: Setup) -> xr.Dataset:
    """Return decoded mixtures (fraction, mixture, eta, phi) of the first seed, and average images of the classes."""
    decoded = []
    for fraction in SHOWN:
        run = setup.best(case(fraction), "image-dvae", changes(setup, fraction))[0]
        decoded.append(corner_images(run))
    average = average_images(run, setup)
    return xr.Dataset(
        {
            "decoded": (("fraction", "mixture", "eta", "phi"), np.stack(decoded)),
            "average": (("class", "eta", "phi"), average),
        },
        {"fraction": list(SHOWN), "mixture": [0, 1], "class": list(setup.classes), **axes_of(run)},
    )


def lines(found: xr.Dataset) -> Iterator[str]:
    """Write which class average each mixture is closest to, by the overlap of the images."""
    for fraction in found["fraction"].values:
        for mixture in found["mixture"].values:
            image = found["decoded"].sel(fraction=fraction, mixture=mixture).values
            overlap = np.minimum(image, found["average"].values).sum((1, 2))
            text = ", ".join(f"{float(v):.3f} with {c}" for c, v in zip(found["class"].values, overlap, strict=True))
            yield f"t/Q = {fraction:g}, mixture {mixture}: overlap {text}"


def draw(found: xr.Dataset) -> dict[str, Figure]:
    """Draw the class averages, then a column for each t/Q."""
    columns = [[(f"average {name}", found["average"].sel({"class": name})) for name in found["class"].values]]
    for fraction in found["fraction"].values:
        mine = found["decoded"].sel(fraction=fraction)
        columns.append([(f"mixture {m}, t/Q = {fraction:g}", mine.sel(mixture=m)) for m in (0, 1)])
    return {"mixtures": draw_images(columns)}
