"""``lda``: latent Dirichlet allocation on the images that the DVAE is trained on, and how the two are related."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import spearmanr

from analysis.evaluation.jet_scores import capped
from analysis.figures.lda import auc_by_model
from analysis.measures.tagging import auc
from analysis.report.page import Part, Question, Table
from analysis.report.words import listed, spread
from analysis.studies.images import corner_images
from analysis.studies.setup import Setup
from inference.data import data_for
from inference.run import Run
from inference.splits import split
from jets import Jets
from jets.errors import UserError

Array = NDArray[np.floating]
ALPHA = {2: "0.9", 3: "1,0.25,0.1"}
"""Mixtures -> the prior of the DVAE; LDA's is symmetric, of the same mean."""
FAMILIES = ("L", "D")
ORDER = ("LDA", "D", "L")
COUNTS = 10.0
"""N, pseudo-counts of an image; the DVAE's beta is 1 / N."""
EPOCHS, SIZE, SEEDS, ITERATIONS = 20, 2000, 3, 10


class Found(NamedTuple):
    """What a model makes of held-out jets: weights ``(jet, K)``, nats per count, and its components' images."""

    weight: Array
    nats: float
    images: Array


def measure(setup: Setup) -> xr.Dataset:
    """Return AUC and nats (mixtures, model, seed), and how alike LDA and the exact DVAE are (mixtures, seed)."""
    rows, alike = [], []
    for mixtures, alpha in ALPHA.items():
        runs = {family: trained(setup, f"{family}{mixtures}(alpha={alpha})") for family in FAMILIES}
        test = capped(setup.jets[runs["L"][0].run.split.test], setup.most)
        by_model = {"LDA": [allocated(each.images(setup.jets), each.of(test), mixtures, alpha) for each in runs["L"]]}
        by_model |= {family: [each.found(test) for each in trainings] for family, trainings in runs.items()}
        signal = test.label == 1
        rows.append([[(best_area(each.weight, signal), each.nats) for each in some] for some in by_model.values()])
        alike.append([likeness(a, b) for a, b in zip(by_model["LDA"], by_model["D"], strict=True)])
    values, same = np.array(rows), np.array(alike)
    where = ("mixtures", "model", "seed")
    return xr.Dataset(
        {
            "auc": (where, values[..., 0]),
            "nats": (where, values[..., 1], {"units": "nat per count"}),
            "rank": (("mixtures", "seed"), same[..., 0]),
            "shared": (("mixtures", "seed"), same[..., 1]),
            "middle": (("mixtures", "seed"), same[..., 2]),
        },
        {"mixtures": list(ALPHA), "model": ["LDA", *FAMILIES]},
    )


class Trained(NamedTuple):
    """A DVAE and the images that it sees."""

    run: Run

    def of(self, jets: Jets) -> Array:
        """Return images ``(jet, pixel)`` of sum 1."""
        images = data_for(jets, self.run.recipe, torch.device("cpu"))
        return images[torch.arange(len(images))].flatten(1).numpy()

    def images(self, jets: Jets) -> Array:
        """Return the training images ``(jet, pixel)``."""
        return self.of(jets[split(jets, self.run.recipe.data, self.run.recipe.training.seed).train])

    @torch.no_grad()
    def found(self, jets: Jets) -> Found:
        """Return what it makes of jets, at the centre of each posterior."""
        x = torch.from_numpy(self.of(jets))
        weight = self.run.vae.latent.points(self.run.vae.encode(x))
        decoded = self.run.vae.decode(weight).mean.numpy()
        return Found(weight.numpy(), cross_entropy(x.numpy(), decoded), corner_images(self.run).reshape(-1, x.shape[1]))


def trained(setup: Setup, latent: str) -> list[Trained]:
    """Return the trainings of a DVAE, a seed each."""
    changes: dict[str, Any] = {"model.latent": latent, "data.limit": SIZE, "training.epochs": EPOCHS}
    return [Trained(run) for run in setup.train(f"lda-{latent[:2]}", "image-dvae", changes, SEEDS)]


def allocated(train: Array, test: Array, mixtures: int, alpha: str) -> Found:
    """Fit scikit-learn's variational LDA (Hoffman et al. 2010) to images ``(jet, pixel)``; what it makes of others.

    Raises
    ------
    UserError
        scikit-learn is not installed.
    """
    try:
        from sklearn.decomposition import LatentDirichletAllocation
    except ImportError as error:
        raise UserError("study lda needs scikit-learn: pip install '.[baselines]'") from error
    prior = np.resize([float(part) for part in alpha.split(",")], mixtures).mean()
    model = LatentDirichletAllocation(
        mixtures, doc_topic_prior=float(prior), max_iter=ITERATIONS, learning_method="online", random_state=len(train)
    ).fit(COUNTS * train)
    weight = model.transform(COUNTS * test)
    topics = model.components_ / model.components_.sum(1, keepdims=True)
    return Found(weight, cross_entropy(test, weight @ topics), topics)


def cross_entropy(x: Array, decoded: Array) -> float:
    """Return the mean of -sum x ln p over images ``(jet, pixel)`` [nat per count]."""
    return float(-(x * np.log(np.maximum(decoded, 1e-12))).sum(1).mean())


def best_area(weight: Array, signal: NDArray[np.bool_]) -> float:
    """Return the AUC of the mixture weight that separates best, either way round: chosen with labels."""
    areas = [auc(w[signal], w[~signal], repeats=2).value for w in weight.T]
    return max(max(area, 1 - area) for area in areas)


def likeness(lda: Found, dvae: Found) -> tuple[float, float, float]:
    """Return rank correlation of the weights, pT shared by the images, and by the middle of the corners' images.

    Components are matched by the pT that their images share. The middle: what the DVAE decodes halfway between its
    two most used corners, if it mixes logarithms, beside the average of their images.
    """
    order = max(
        permutations(range(len(lda.images))), key=lambda order: np.minimum(lda.images[[*order]], dvae.images).sum()
    )
    shared = np.minimum(lda.images[[*order]], dvae.images).sum(1).mean()
    used = np.argsort(-dvae.weight.mean(0))[:2]
    rank = spearmanr(lda.weight[:, order[used[0]]], dvae.weight[:, used[0]]).statistic
    one, two = dvae.images[used]
    between = np.sqrt(one * two)
    return float(rank), float(shared), float(np.minimum((one + two) / 2, between / between.sum()).sum())


def lda(found: xr.Dataset) -> Part:
    """Compare as taggers, then say what the DVAE has of LDA, and what not."""
    rows = []
    for mixtures in found["mixtures"].values:
        for model in found["model"].values:
            mine = found.sel(mixtures=mixtures, model=model)
            rows.append(
                [name_of(str(model), int(mixtures)), spread(mine["auc"].values), f"{float(mine['nats'].mean()):.3f}"]
            )
    first, middle_seed = found.isel(mixtures=0), found["auc"].median("seed")
    said = [
        f"{int(k)} mixtures {', '.join(f'{float(middle_seed.sel(mixtures=k, model=m)):.3f}' for m in ORDER)}"
        for k in found["mixtures"].values
    ]
    shared, middle = (100 * float(first[name].median()) for name in ("shared", "middle"))
    return Part(
        "lda",
        "Median AUC of the best weight of LDA, of the DVAE with the exact Dirichlet and with its softmax-normal: of "
        f"{listed(said)}; the "
        "orientation is chosen with labels. Like LDA the DVAE describes a jet by weights of a few images: weights of "
        f"the two have a rank correlation {float(abs(first['rank']).median()):.2f}, their images share {shared:.0f} % "
        "of the pT. Unlike LDA, which averages the images of its topics, its linear decoder averages their logarithms: "
        f"halfway between two corners it decodes an image that shares {middle:.0f} % of its pT with the average of "
        "theirs; and an encoder replaces the iterations for each jet.",
        "AUC of the best mixture weight (a point for each seed), the orientation chosen with labels.",
        figure=auc_by_model(found["auc"], [[name_of(str(m), int(k)) for m in found["model"].values] for k in ALPHA]),
        table=Table(["model", "AUC (range)", "nats per count"], rows),
        numbers=found,
    )


def name_of(model: str, mixtures: int) -> str:
    """Return how a table names a model."""
    return f"LDA, {mixtures} topics" if model == "LDA" else f"DVAE, {model}{mixtures}"


QUESTION = Question("lda", "Is the Dirichlet VAE a topic model?", (lda,))
