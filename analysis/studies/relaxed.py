"""``relaxed``: one category of two image mixtures, summed over, drawn straight through, and relaxed in two ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from analysis.evaluation.jet_scores import capped
from analysis.figures.relaxed import auc_and_bound
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed, spread
from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run
from jets import Jets

POSTERIORS = {
    "summed over": "C2",
    "straight-through": "C2(posterior=straight-through)",
    "relaxed": "C2(posterior=relaxed,temperature=1,0.1)",
    "relaxed, discrete KL": "C2(posterior=relaxed,temperature=1,0.1,kl=discrete)",
}
"""Name -> latent space."""
SIZE, EPOCHS, SEEDS = 3000, 30, 5


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC, bound and KL [nat] of the category on held-out jets (posterior, seed)."""
    rows = []
    for i, latent in enumerate(POSTERIORS.values()):
        changes: dict[str, Any] = {"model.latent": latent, "data.limit": SIZE, "training.epochs": EPOCHS}
        runs = setup.train(f"relaxed-{i}", "image-relaxed", changes, SEEDS)
        rows.append([numbers(run, capped(setup.jets[run.split.test], setup.most)) for run in runs])
    values, where = np.array(rows), ("posterior", "seed")
    return xr.Dataset(
        {
            "auc": (where, values[..., 0]),
            "bound": (where, values[..., 1], {"units": "nat"}),
            "kl": (where, values[..., 2], {"units": "nat"}),
        },
        {"posterior": list(POSTERIORS)},
    )


@torch.no_grad()
def numbers(run: Run, jets: Jets) -> tuple[float, float, float]:
    r"""Return AUC, :math:`\sum_k q_k \ln p(x|k) - KL(q\,\|\,p)` and the KL between the categories, means over jets.

    Whatever the category was trained with, it is one here: the decoder sees a corner, so that the bounds compare.
    """
    images = data_for(jets, run.recipe, torch.device("cpu"))
    x = images[torch.arange(len(images))]
    head = run.vae.encode(x)
    q, kl = head.softmax(-1), run.vae.latent.information(head)["C2"][..., 0]
    log_p = torch.stack([run.vae.decode(corner.expand(len(x), -1)).log_prob(x) for corner in torch.eye(2)], -1)
    signal = jets.label == 1
    area = auc(q[signal, 0].numpy(), q[~signal, 0].numpy(), repeats=2).value
    return max(area, 1 - area), float(((q * log_p).sum(-1) - kl).mean()), float(kl.mean())


def relaxed(found: xr.Dataset) -> Part:
    """Compare the four, paired by seed, with the sum."""
    rows, said = [], []
    for name in found["posterior"].values:
        mine = found.sel(posterior=name)
        less = (mine["bound"] - found["bound"].isel(posterior=0)).values
        difference = f"{less.mean():+.3f}" + (f" ± {less.std(ddof=1) / len(less) ** 0.5:.3f}" if len(less) > 1 else "")
        rows.append([str(name), spread(mine["auc"].values), difference, f"{float(mine['kl'].mean()):.3f}"])
        said.append(f"{name} {float(mine['auc'].median()):.3f} and {difference}")
    return Part(
        "relaxed",
        "Median AUC of the category, the orientation chosen with labels, and bound beside that of the sum over it "
        f"[nat]: {listed(said)}.",
        "AUC of the category and its bound on ln p(x) on held-out jets, a point for each seed. The decoder sees one "
        "category at a time whatever it was trained with.",
        figure=auc_and_bound(found),
        table=Table(["posterior", "AUC (range)", "bound, less that of the sum [nat]", "KL [nat]"], rows),
        numbers=found,
    )


QUESTION = Question("relaxed", "Does it matter how a category is trained?", (relaxed,))
