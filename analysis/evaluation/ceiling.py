"""How well a jet shows an observable at all: the correlation that a supervised network reaches."""

from __future__ import annotations

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
from jets.preprocess import direction, turned
from models.clouds import CloudEncoder

HIDDEN = (64, 256, 256)
EPOCHS, BATCH, LR, DECAY = 40, 256, 2e-3, 1e-2


def ceiling(run: Run, seed: int = 0) -> xr.DataArray:
    r"""Return the correlation of observables with the predictions of a supervised network, ``(observable,)``.

    A particle-flow network learns all observables of the run's training jets together by least squares: normal scores
    of ranks, and cosine and sine of angles. On the held-out jets its guesses are correlated with the truth as latents
    are. Networks and samples are finite: it is a lower bound of what can be known, and the best latent may exceed it.
    """
    seen = observables(xr.DataTree.from_dict({"constant_data": constant_data(run.jets)}))
    turns = [OBSERVABLES[name].turns for name in names(seen, "observable")]
    truth, clouds = np.asarray(seen, float), run.data
    torch.manual_seed(seed)
    guess = Guess(turns)
    learn(guess, clouds.make(clouds.constituents), targets(truth, turns), torch.as_tensor(run.split.train))
    with torch.no_grad():
        found = torch.cat([guess(x) for x in clouds.batches(run.split.test, 1000)]).numpy()
    values = [agreement(found[:, i], truth[run.split.test, i], turns[i]) for i in range(len(turns))]
    return xr.DataArray(values, {"observable": seen["observable"]}, ["observable"], "ceiling")


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


def learn(guess: Guess, x: Tensor, wanted: Tensor, train: Tensor) -> None:
    """Train by one cycle of Adam with weight decay."""
    steps = len(train) // BATCH
    adam = torch.optim.AdamW(guess.parameters(), lr=LR, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, LR, total_steps=EPOCHS * steps + 1)
    for _ in range(EPOCHS):
        order = train[torch.randperm(len(train))[: steps * BATCH]]
        for rows in order.split(BATCH):
            adam.zero_grad()
            error = guess(x[rows]) - wanted[rows]
            error[wanted[rows].isfinite()].square().mean().backward()
            adam.step()
            cycle.step()


def agreement(guess: NDArray[np.float32], truth: NDArray[np.float64], turns: int) -> float:
    """Return the correlation of guesses ``(N, 2)`` with the truth ``(N,)``, where it is known; NaN if nowhere."""
    known = np.isfinite(truth)
    if not known.any() or np.ptp(truth[known]) == 0:
        return float("nan")
    if turns:
        return circular(np.arctan2(guess[known, 1], guess[known, 0]), truth[known])
    return rank_correlation(guess[known, 0], truth[known])
