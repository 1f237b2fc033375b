"""``curse``: the dimension of few points in many dimensions, from a VAE and from the distances of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist

from analysis.evaluation.resolutions import dimension
from analysis.figures.curse import found_against_true
from analysis.measures.correlation_dimension import takens_dimension
from analysis.report.page import Part, Question, Table
from analysis.studies.setup import IN_SECONDS, Setup

DIMENSIONS = (2, 5, 10, 20)
POINTS = 3000
EPOCHS, SEEDS = 100, 3
RANGE = (0.1, 2.0)
"""Resolutions that are trained; the points have standard deviation 1 in each direction."""
BETAS = (0.2, 0.3, 0.4)
"""Resolutions at which the VAE's dimension is averaged: well below the size."""
CLOSEST = 2000
"""Pairs of which the correlation dimension is taken."""


def toy(dimensions: int) -> str:
    """Return the points: a unit Gaussian."""
    return f"toy:gaussian(spectrum={','.join(['1'] * dimensions)}, n={POINTS})"


def changes(dimensions: int) -> dict[str, Any]:
    """Return what is changed in ``vae-gaussian``."""
    return {
        "data.files": (toy(dimensions),),
        "model.latent": f"R{dimensions}",
        "model.beta": list(RANGE),
        "training.epochs": EPOCHS,
        **IN_SECONDS,
    }


def measure(setup: Setup) -> xr.Dataset:
    """Return the dimension (true, estimator, seed) of points of known dimension, by both methods."""
    rows = []
    for true in DIMENSIONS:
        runs = setup.train(f"curse-{true}", "vae-gaussian", changes(true), SEEDS)
        vae = [float(dimension([run], betas=BETAS, draws=1)["D2"].mean()) for run in runs]
        points = runs[0].jets.constituents
        rows.append([vae, [of_pairs(points, seed) for seed in range(len(runs))]])
    return xr.Dataset(
        {"dimension": (("true", "estimator", "seed"), np.array(rows))},
        {"true": list(DIMENSIONS), "estimator": ["VAE", "pairs"]},
        {"jets": [toy(true) for true in DIMENSIONS], "points": POINTS, "pairs": CLOSEST},
    )


def of_pairs(points: np.ndarray, seed: int) -> float:
    """Return the correlation dimension of two thirds of the points, as many as the VAE is trained on."""
    rows = np.random.default_rng(seed).permutation(len(points))[: 2 * len(points) // 3]
    return takens_dimension(pdist(points[rows]), CLOSEST)[0]


def curse(found: xr.Dataset) -> Part:
    """Say what both methods find of the points of most dimensions."""
    last = found.isel(true=-1)
    vae, pairs = (
        (float(v.min()), float(v.max())) for v in (last["dimension"].sel(estimator=m) for m in ("VAE", "pairs"))
    )
    rows = [
        [f"{int(true)}", *(between(found["dimension"].sel(true=true, estimator=name)) for name in ("VAE", "pairs"))]
        for true in found["true"].values
    ]
    return Part(
        "curse",
        f"Of {found.attrs['points']:,} points of a Gaussian of {int(last['true'])} dimensions the VAE's D2 is "
        f"{vae[0]:.1f} to {vae[1]:.1f} over the seeds, the correlation dimension {pairs[0]:.1f} to {pairs[1]:.1f}.",
        "Dimension that is found against the true one; a point for each seed, on the diagonal where it is right.",
        figure=found_against_true(found["dimension"]),
        table=Table(["true", "VAE: D2", f"correlation dimension of {found.attrs['pairs']:,} closest pairs"], rows),
        numbers=found,
    )


def between(values: xr.DataArray) -> str:
    """Return a range of numbers."""
    return f"{float(values.min()):.2f} to {float(values.max()):.2f}"


QUESTION = Question("curse", "Do few points in many dimensions hide their dimension?", (curse,))
