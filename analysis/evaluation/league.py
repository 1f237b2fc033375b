"""Which manifold do points lie on? Every candidate topology raced on the same points.

Every candidate is raced (:mod:`inference.race`) on three quarters of the points, and the winners are ranked on the rest
as :mod:`analysis.measures.topology` ranks runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.topology import ORDER
from analysis.measures.trust import shift, weighed
from analysis.store import NATS
from inference.race import Budget, race
from inference.run import RunError
from jets import Jets
from jets.command import command

DRAWS = 200
"""Draws of the guide for each held-out point."""


def league(
    points: NDArray[np.floating],
    beta: float,
    candidates: Sequence[str] = ORDER,
    *,
    seed: int = 0,
    budget: Budget | None = None,
    label: Sequence[str] | None = None,
    pool: Executor | None = None,
) -> xr.DataTree:
    """Race every candidate on points ``(N, K)`` at resolution ``beta`` and return the tree that ``rank`` takes.

    ``sample_stats`` log_evidence, log_evidence_error, log_evidence_shift, elbo [nat], khat (topology, beta, seed,
    jet), a jet being a held-out point; ``constant_data`` class_name (seed, jet) from ``label`` ``(N,)``. A ``pool`` of
    processes (see :func:`jets.processes.workers`) races several candidates at a time, with the same result.
    """
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(order, [len(order) // 4])
    play = partial(contest, points[train], points[held_out], beta, seed, budget)
    slowest_first = list(candidates)[::-1]
    tables = []
    for latent, (table, seconds) in zip(slowest_first, (pool.map if pool else map)(play, slowest_first), strict=True):
        tables.append(table)
        print(f"{len(tables)}/{len(candidates)}  {latent}: {seconds:.1f} s", file=sys.stderr)
    stats = xr.concat(tables[::-1], xr.Variable("topology", list(candidates))).expand_dims(beta=[beta], seed=[seed])
    stats = stats.transpose("topology", "beta", "seed", "jet")
    names = np.full(len(points), "points") if label is None else np.asarray(label, str)
    known = xr.Dataset({"class_name": (("seed", "jet"), names[held_out][None])}, {"seed": [seed]})
    result = xr.DataTree.from_dict({"sample_stats": stats, "constant_data": known})
    result.attrs["restarts"] = 1  # one seed stands for several restarts of each candidate
    return result


def contest(
    train: NDArray[np.floating],
    held_out: NDArray[np.floating],
    beta: float,
    seed: int,
    budget: Budget | None,
    latent: str,
) -> tuple[xr.Dataset, float]:
    """Race one candidate; return evidence and ELBO of the held-out points, and the seconds that it took."""
    start = time.perf_counter()
    winner = race(train, latent, beta, seed=seed, budget=budget)
    torch.manual_seed(seed)  # the first race of a process traces, and so draws more than others
    return scored(winner.log_weights(held_out, DRAWS)), time.perf_counter() - start


def scored(log_weight: NDArray[np.floating]) -> xr.Dataset:
    """Return evidence and its error, ELBO and k-hat of each point from ``(draws, N)`` log weights."""
    found, error, index = weighed(log_weight.T)
    values = {"log_evidence": found, "log_evidence_error": error, "elbo": log_weight.mean(0)}
    values["log_evidence_shift"] = shift(log_weight.T)
    return xr.Dataset({name: ("jet", value, NATS) for name, value in values.items()} | {"khat": ("jet", index)})


def vectors(sample: Jets) -> NDArray[np.floating]:
    """Return the points of a sample.

    Raises
    ------
    RunError
        It holds jets.
    """
    if not sample.are_vectors:
        raise RunError(f"{', '.join(sample.sources)}: a league takes vectors; of jets train a scan: {command('train')}")
    return sample.constituents
