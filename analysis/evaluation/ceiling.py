"""How well a jet shows an observable at all, and how well its latents do: what supervised networks reach."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from torch import Tensor, nn

from analysis.evaluation.facts import constant_data
from analysis.measures.correlation import circular, rank_correlation
from analysis.measures.observables import OBSERVABLES, observables
from analysis.store import names
from inference.run import Run
from jets import Jets
from jets.preprocess import direction, turned
from jets.progress import Progress
from models.clouds import CloudEncoder

HIDDEN = (64, 256, 256)
OF_LATENTS = (512, 512, 512)
"""Units of the hidden layers between latents and guesses."""
BATCH, LR = 256, 2e-3


class Effort(NamedTuple):
    """How long a network learns, and how strongly its weights decay."""

    epochs: int
    decay: float


OF_JETS, OF_POINTS = Effort(40, 1e-2), Effort(60, 1.0)
"""Of clouds; of latents, which are few, so that a large network learns them by heart where its weights do not decay."""


def ceiling(run: Run, seed: int = 0) -> xr.DataArray:
    r"""Return the correlation of observables with the predictions of a supervised network, ``(observable,)``.

    A particle-flow network learns all observables of the run's training jets together by least squares: normal scores
    of ranks, and cosine and sine of angles. On the held-out jets its guesses are correlated with the truth as latents
    are. Networks and samples are finite: it is a lower bound of what can be known, and the best latent may exceed it.
    """
    seen = seen_in(run.jets)
    torch.manual_seed(seed)
    clouds = run.data.make(run.data.constituents)
    return reached(Guess(turns_of(seen)), clouds, seen, run, OF_JETS).rename("ceiling")


def read_out(run: Run, beta: float | None = None, seed: int = 0) -> xr.DataArray:
    """Return the same as :func:`ceiling` of a network that sees the latents at ``beta`` alone, ``(observable,)``.

    A correlation of one coordinate, or a linear function of all, misses what is a curve, or in two branches, in the
    latents; a network does not. What the latents hold of an observable lies between the two.
    """
    seen = seen_in(run.jets)
    torch.manual_seed(seed)
    latents = points_of(run, beta)
    sizes = (latents.shape[1], *OF_LATENTS)
    hidden = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.GELU())]
    guess = nn.Sequential(*hidden, nn.Linear(sizes[-1], 2 * len(turns_of(seen))), nn.Unflatten(-1, (-1, 2)))
    return reached(guess, latents, seen, run, OF_POINTS).rename("read_out")


def seen_in(jets: Jets) -> xr.DataArray:
    """Return the observables of jets, ``(jet, observable)``."""
    return observables(xr.DataTree.from_dict({"constant_data": constant_data(jets)}))


def turns_of(seen: xr.DataArray) -> list[int]:
    """Return how often each observable goes round with the jet."""
    return [OBSERVABLES[name].turns for name in names(seen, "observable")]


@torch.no_grad()
def points_of(run: Run, beta: float | None) -> Tensor:
    """Return the latents of all jets of a run at the centre of the posterior, ``(N, features)``, of unit variance.

    An angle enters as the cosine and sine of itself and of its double.
    """
    with run.at(beta) as vae:
        every = torch.arange(len(run.data))
        points = torch.cat([vae.latent.points(vae.encode(x)) for x in run.data.batches(every, 1000)])
        kinds = [kind for _, factor in vae.latent.items for kind in [factor.kind] * len(factor.coordinate_labels)]
    features = [
        torch.stack([wave(k * x) for k in (1, 2) for wave in (torch.cos, torch.sin)], -1)
        if kind == "angle"
        else x[:, None]
        for x, kind in zip(points.unbind(-1), kinds, strict=True)
    ]
    joined = torch.cat(features, -1)
    return (joined - joined.mean(0)) / joined.std(0).clamp(min=1e-6)


def reached(guess: nn.Module, x: Tensor, seen: xr.DataArray, run: Run, effort: Effort) -> xr.DataArray:
    """Train a network on the run's training jets; return how its guesses of the held-out ones agree with the truth."""
    truth, turns = np.asarray(seen, float), turns_of(seen)
    learn(guess, x, targets(truth, turns), torch.as_tensor(run.split.train), effort)
    with torch.no_grad():
        found = torch.cat([guess(x[rows]) for rows in torch.as_tensor(run.split.test).split(1000)]).numpy()
    values = [agreement(found[:, i], truth[run.split.test, i], turns[i]) for i in range(len(turns))]
    return xr.DataArray(values, {"observable": seen["observable"]}, ["observable"])


class Guess(nn.Module):
    """Network from clouds ``(B, M, 3)`` to two numbers of each observable ``(B, K, 2)``, of which angles turn.

    It sees each jet along its axis; what it says of an angle that goes round ``turns`` times with the jet is turned
    back. Of a number the second is not used.
    """

    def __init__(self, turns: list[int]) -> None:
        super().__init__()
        self.turns = torch.tensor(turns)
        self.network = CloudEncoder(HIDDEN, 2 * len(turns), "gelu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the guesses."""
        angle = direction(x)
        u, v = self.network(turned(x, -angle)).unflatten(-1, (-1, 2)).unbind(-1)
        cos, sin = (angle[:, None] * self.turns).cos(), (angle[:, None] * self.turns).sin()
        return torch.stack([cos * u - sin * v, sin * u + cos * v], -1)


def targets(truth: NDArray[np.float64], turns: list[int]) -> Tensor:
    """Return what is to be guessed ``(N, K, 2)`` of observables ``(N, K)``; NaN where nothing is."""
    result = np.full((*truth.shape, 2), np.nan, np.float32)
    for i, values in enumerate(truth.T):
        known = np.isfinite(values)
        if turns[i]:
            result[:, i] = np.stack([np.cos(values), np.sin(values)], 1)
        elif known.any():
            result[known, i, 0] = norm.ppf((rankdata(values[known]) - 0.5) / known.sum())
    return torch.as_tensor(result)


def learn(guess: nn.Module, x: Tensor, wanted: Tensor, train: Tensor, effort: Effort) -> None:
    """Train by one cycle of Adam with weight decay."""
    steps = len(train) // BATCH
    adam = torch.optim.AdamW(guess.parameters(), lr=LR, weight_decay=effort.decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, LR, total_steps=effort.epochs * steps + 1)
    with Progress(effort.epochs, "supervised network, epoch", each=steps * BATCH) as progress:
        for _ in range(effort.epochs):
            order = train[torch.randperm(len(train))[: steps * BATCH]]
            for rows in order.split(BATCH):
                adam.zero_grad()
                error = guess(x[rows]) - wanted[rows]
                error[wanted[rows].isfinite()].square().mean().backward()
                adam.step()
                cycle.step()
            progress.advance()


def agreement(guess: NDArray[np.float32], truth: NDArray[np.float64], turns: int) -> float:
    """Return the correlation of guesses ``(N, 2)`` with the truth ``(N,)``, where it is known; NaN if nowhere."""
    known = np.isfinite(truth)
    if not known.any() or np.ptp(truth[known]) == 0:
        return float("nan")
    if turns:
        return circular(np.arctan2(guess[known, 1], guess[known, 0]), truth[known])
    return rank_correlation(guess[known, 0], truth[known])
