"""``organisation``: a latent space along the principal axes, in order, needs the fewest nats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.figures.organisation import costs
from analysis.measures.organisation import disorder_cost, plane_rotation, rotation_cost
from analysis.report.page import Part, Question, Table
from analysis.studies.setup import IN_SECONDS, Setup
from inference.data import data_for
from inference.run import Run
from jets.toys import rotation
from models import VAE

SPECTRUM, BETA = (8.0, 4.0, 2.0, 1.0), 0.5
TOY = f"toy:gaussian(spectrum={','.join(f'{size:g}' for size in SPECTRUM)}, n=6000)"
EPOCHS, SEEDS, LR = 120, 3, 3e-2
ANGLES = np.arange(0, 91, 15)
"""By which the axis of most information is turned into that of least [degrees]."""
ROTATIONS = 20
"""Of all axes, at random."""
PIECES, FINENESS = 2 ** np.arange(11), 0.02
"""Of a line, and the resolution in units of its length."""
DRAWS = 8


def measure(setup: Setup) -> xr.Dataset:
    """Return what a turned code costs (seed, angle), measured and exact, at random (seed, turn), and a disordered."""
    changes: dict[str, Any] = {
        "data.files": (TOY,),
        "model.latent": f"R{len(SPECTRUM)}",
        "model.beta": BETA,
        "model.beta_step": 0.75,  # of no use at one beta
        "training.epochs": EPOCHS,
        "training.lr": LR,
        **IN_SECONDS,
    }
    runs = setup.train("organisation", "vae-gaussian", changes, SEEDS)
    turns = [rotation(len(SPECTRUM), np.random.default_rng(i)) for i in range(ROTATIONS)]
    flat = [plane_rotation(len(SPECTRUM), 0, len(SPECTRUM) - 1, math.radians(angle)) for angle in ANGLES]
    exact = np.diag(np.maximum(np.array(SPECTRUM) / BETA, 1) ** 2)
    return xr.Dataset(
        {
            "turned": (("seed", "angle"), [measured(run, flat) for run in runs], {"units": "nat"}),
            "turned_exact": ("angle", [rotation_cost(exact, turn) for turn in flat], {"units": "nat"}),
            "random": (("seed", "turn"), [measured(run, turns) for run in runs], {"units": "nat"}),
            "random_exact": ("turn", [rotation_cost(exact, turn) for turn in turns], {"units": "nat"}),
            "disordered": ("pieces", [disorder_cost(int(n), FINENESS) for n in PIECES], {"units": "nat"}),
        },
        {"angle": ("angle", ANGLES, {"units": "degree"}), "pieces": PIECES},
        {"jets": [TOY], "beta": BETA, "fineness": FINENESS},
    )


@torch.no_grad()
def measured(run: Run, turns: list[np.ndarray]) -> list[float]:
    """Return by how much a turned code exceeds the trained one in KL + distortion, of held-out points [nat]."""
    points = data_for(run.jets[run.split.test], run.recipe, torch.device("cpu"))
    x, size = points[torch.arange(len(points))], len(turns[0])
    basis = run.vae.decode(torch.eye(size)).mean - run.vae.decode(torch.zeros(1, size)).mean  # linear
    axes = torch.linalg.svd(basis.T, full_matrices=False).Vh.numpy().astype(float)  # falling size
    straight = objective(run.vae, x, basis, axes)
    return [objective(run.vae, x, basis, turn @ axes) - straight for turn in turns]


def objective(vae: VAE, x: Tensor, basis: Tensor, turn: np.ndarray) -> float:
    """Return KL + distortion of the latents z' = R z, with the widths that are best for them, mean over points [nat].

    The decoder takes R^T z'; ``basis`` ``(n, K)`` is what it makes of each unit vector.
    """
    matrix = torch.from_numpy(turn).to(x.dtype)
    beta = vae.likelihood.beta
    precision = torch.eye(len(matrix)) + basis @ basis.T / beta**2
    width = torch.einsum("ij,jk,ik->i", matrix, precision, matrix).rsqrt()
    ((label, factor),) = vae.latent.items
    centre = factor.posterior(vae.latent.split(vae.encode(x))[label]).mean @ matrix.T
    kl = (centre**2 + width**2 - 1).sum(-1) / 2 - width.log().sum()
    noise = torch.randn(DRAWS, *centre.shape, generator=torch.Generator().manual_seed(0))
    decoded = vae.decode((centre + noise * width) @ matrix).mean
    return float(kl.mean() + ((decoded - x) ** 2).sum(-1).mean() / (2 * beta**2))


def organisation(found: xr.Dataset) -> Part:
    """Say what turning by 45 degrees, turning at random and disorder cost."""
    middle, last = found.sel(angle=45), found.isel(pieces=-1)
    turned, exact = float(middle["turned"].mean()), float(middle["turned_exact"])
    at_random, exactly = float(found["random"].mean()), float(found["random_exact"].mean())
    seeds = found["turned"].sizes["seed"]
    rows = [
        [f"turned by {int(angle)}°", f"{float(mine['turned'].mean()):.3f}", f"{float(mine['turned_exact']):.3f}"]
        for angle in found["angle"].values
        for mine in [found.sel(angle=angle)]
    ]
    rows += [
        [f"{int(n)} pieces in disorder", "", f"{float(found['disordered'].sel(pieces=n)):.3f}"]
        for n in found["pieces"].values[1:]
    ]
    return Part(
        "organisation",
        f"Turning the largest and the smallest of {len(SPECTRUM)} directions into one another by 45° costs "
        f"{turned:.2f} nat (mean of {seeds} seeds; exactly {exact:.2f}), "
        f"turning all at random {at_random:.2f} nat on average (exactly {exactly:.2f}), and a line whose "
        f"{int(last['pieces']):,} pieces lie in disorder "
        f"{float(last['disordered']):.2f} nat at a resolution of {found.attrs['fineness']:g} of its length.",
        "What a code costs beyond the best one, which lies along the principal axes and in order. Left: turned by an "
        "angle, exact (line) and measured (points, seeds). Right: cut into pieces that are put together in disorder, "
        "and the logarithm that this approaches.",
        figure=costs(found),
        table=Table(["code", "measured [nat]", "exact [nat]"], rows),
        numbers=found,
    )


QUESTION = Question("organisation", "What do order and orthogonality save?", (organisation,))
