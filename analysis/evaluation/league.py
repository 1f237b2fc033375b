"""Which manifold do points lie on? Every candidate topology raced on the same points.

The shape of the points (:mod:`analysis.measures.shape`) says which candidates it does not contradict. They are raced
(:mod:`inference.race`) on three quarters of the points, and the winners are ranked on the rest as
:mod:`analysis.measures.topology` ranks runs, beside a density without topology. Where there is no such candidate, or
that density is better, all others are raced too. :mod:`analysis.measures.doubt` says what follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.doubt import APART, objection
from analysis.measures.kernel_density import log_density
from analysis.measures.shape import shape
from analysis.measures.signature import allowed, told
from analysis.measures.topology import ORDER, rank
from analysis.measures.trust import shift, weighed
from analysis.store import NATS, Missing
from inference.machine import tune_cpu
from inference.race import Budget, race
from inference.run import RunError
from jets import Jets
from jets.command import command
from jets.notes import LOG
from jets.progress import Progress

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
    every: bool = False,
) -> xr.DataTree:
    """Race candidates on points ``(N, K)`` at resolution ``beta``; return the tree that ``rank`` and ``answer`` take.

    ``sample_stats`` log_evidence, log_evidence_error, log_evidence_shift, elbo [nat], khat (topology, beta, seed,
    jet), a jet being a held-out point, and reference (beta, seed, jet) [nat] of the density without topology;
    ``constant_data`` class_name (seed, jet) from ``label`` ``(N,)``; ``shape``, where ripser is installed. With
    ``every`` candidates that the shape contradicts are raced in any case. A ``pool`` of processes (see
    :func:`jets.processes.workers`) races several candidates at a time, with the same result.
    """
    tune_cpu()
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(order, [len(order) // 4])
    play = partial(contest, points[train], points[held_out], beta, seed, budget)
    density = log_density(points[train], points[held_out], beta)
    names = np.full(len(points), "points") if label is None else np.asarray(label, str)
    seen = shape_of(points, beta)
    fitting = (not every and allowed(seen, candidates)) or list(candidates)
    tables = raced(play, fitting, pool)
    tree = joined(tables, candidates, beta, seed, density, names[held_out], seen)
    rest = [latent for latent in candidates if latent not in tables]
    if rest and objection(tree, rank(tree)):
        tables |= raced(play, rest, pool)
        tree = joined(tables, candidates, beta, seed, density, names[held_out], seen)
    return tree


def shape_of(points: NDArray[np.floating], beta: float) -> xr.Dataset | None:
    """Return the shape of points ``(N, K)``, and say it; None, with a note, where it cannot be known."""
    try:
        seen = shape(points, beta)
    except Missing as error:
        LOG.warning("%s", error)
        return None
    LOG.info("the points have %s", told(seen))
    return seen


def raced(
    play: Callable[[str], tuple[xr.Dataset, float]], latents: Sequence[str], pool: Executor | None
) -> dict[str, xr.Dataset]:
    """Return what each candidate came to."""
    slowest_first, tables = list(latents)[::-1], {}
    played = zip(slowest_first, (pool.map if pool else map)(play, slowest_first), strict=True)
    with Progress(len(latents), unit="manifolds") as progress:
        for latent, (table, seconds) in played:
            tables[latent] = table
            LOG.debug("%s: %.1f s", latent, seconds)
            progress.advance(said=latent)
    return tables


def joined(
    tables: Mapping[str, xr.Dataset],
    candidates: Sequence[str],
    beta: float,
    seed: int,
    density: NDArray[np.floating],
    label: NDArray[np.str_],
    seen: xr.Dataset | None,
) -> xr.DataTree:
    """Return the tree of a league; ``density`` and ``label`` are of the held-out points."""
    order = [latent for latent in candidates if latent in tables]
    stats = xr.concat([tables[latent] for latent in order], xr.Variable("topology", order))
    stats = stats.assign(reference=("jet", density, NATS)).expand_dims(beta=[beta], seed=[seed])
    known = xr.Dataset({"class_name": (("seed", "jet"), label[None])}, {"seed": [seed]})
    groups = {"sample_stats": stats.transpose("topology", "beta", "seed", "jet"), "constant_data": known}
    tree = xr.DataTree.from_dict(groups | ({} if seen is None else {"shape": seen}))
    tree.attrs["restarts"] = 1  # one seed stands for several restarts of each candidate
    tree.attrs["candidates"] = APART.join(candidates)
    return tree


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
        It holds jets, or points that are all the same.
    """
    if not sample.are_vectors:
        raise RunError(f"{', '.join(sample.sources)}: a league takes vectors; of jets train a scan: {command('train')}")
    if not np.ptp(sample.constituents, 0).any():
        raise RunError(f"{', '.join(sample.sources)}: all points are the same; a league takes points that differ")
    return sample.constituents
