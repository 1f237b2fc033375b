"""``smearing``: what is decoded is smeared by about the resolution, in each direction that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from analysis.evaluation.resolutions import resolutions
from analysis.figures.smearing import smearing_curves
from analysis.report.page import Part, Question, Table
from analysis.studies.setup import IN_SECONDS, Setup
from inference.data import data_for
from inference.run import Run
from jets.toys import gaussian_optimum

SPECTRUM = (10.0, 5.0, 2.0, 0.5)
TOY = f"toy:gaussian(spectrum={','.join(f'{size:g}' for size in SPECTRUM)}, n=6000)"
RANGE = (0.1, 20.0)
EPOCHS, SEEDS = 200, 3
DRAWS = 4


def measure(setup: Setup) -> xr.Dataset:
    """Return rms distances (seed, beta): of what is decoded from the point, and from what its centre decodes to."""
    changes: dict[str, Any] = {
        "data.files": (TOY,),
        "model.latent": f"R{len(SPECTRUM)}",
        "model.beta": list(RANGE),
        "training.epochs": EPOCHS,
        **IN_SECONDS,
    }
    runs = setup.train("smearing", "vae-gaussian", changes, SEEDS)
    beta = resolutions(runs[0].recipe.model.beta)
    found = np.array([[distances(run, float(scale)) for scale in beta] for run in runs])
    kept = np.maximum(1 - (beta[:, None] / np.array(SPECTRUM)) ** 2, 0)
    return xr.Dataset(
        {
            "distance": (("seed", "beta"), found[..., 0]),
            "smearing": (("seed", "beta"), found[..., 1]),
            "exact_distance": ("beta", np.sqrt(gaussian_optimum(SPECTRUM, beta).distortion)),
            "exact_smearing": ("beta", beta * np.sqrt(kept.sum(1))),
        },
        {"beta": beta},
        {"jets": [TOY], "spectrum": SPECTRUM},
    )


@torch.no_grad()
def distances(run: Run, beta: float) -> tuple[float, float]:
    """Return the rms distance of draws, decoded, from held-out points, and from what the centres decode to."""
    points = data_for(run.jets[run.split.test], run.recipe, torch.device("cpu"))
    x = points[torch.arange(len(points))]
    with run.vae.at(beta) as vae:
        ((label, factor),) = vae.latent.items
        posterior = factor.posterior(vae.latent.split(vae.encode(x))[label])
        noise = torch.randn(DRAWS, *posterior.mean.shape, generator=torch.Generator().manual_seed(0))
        drawn = vae.decode(posterior.mean + noise * posterior.stddev).mean
        centre = vae.decode(posterior.mean).mean
    return tuple(float(((drawn - y) ** 2).sum(-1).mean().sqrt()) for y in (x, centre))  # type: ignore[return-value]


def smearing(found: xr.Dataset) -> Part:
    """Compare the smearing with the resolution, for each direction that is kept."""
    rows = [
        [f"{beta:.3g}", *(f"{float(mine[name].mean()):.3g}" for name in NAMES)]
        for beta in found["beta"].values[::4]
        for mine in [found.sel(beta=beta)]
    ]
    fine = found.isel(beta=slice(None, 5))
    ratio = fine["smearing"] / fine["beta"] / np.sqrt(len(SPECTRUM))
    error = abs(found["distance"] / found["exact_distance"] - 1)
    return Part(
        "smearing",
        f"Where all {len(SPECTRUM)} directions are kept, beta = {float(fine['beta'][0]):.2g} to "
        f"{float(fine['beta'][-1]):.2g}, what is decoded is smeared by {float(ratio.min()):.2f} to "
        f"{float(ratio.max()):.2f} beta in each; at every beta its distance from the point is within "
        f"{100 * float(error.max()):.1f} % of the least possible.",
        "Root mean square distance of what is decoded from what its latent centre decodes to, for each direction "
        "larger than beta (smearing), and from the point; lines: exact. Each direction larger than beta adds beta in "
        "quadrature to the distance, each smaller one its size.",
        figure=smearing_curves(found),
        table=Table(["beta", "smearing", "exact", "distance", "exact"], rows),
        numbers=found,
    )


NAMES = ("smearing", "exact_smearing", "distance", "exact_distance")
QUESTION = Question("smearing", "By how much is what is decoded smeared?", (smearing,))
