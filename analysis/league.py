"""Which manifold do points lie on? ``python -m analysis.league F.npy --beta 0.1``.

Every candidate is raced (:mod:`inference.race`) on three quarters of the points, and the winners are ranked on the rest
as :mod:`analysis.topology` ranks runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.predictive import NATS
from analysis.topology import DELTA, ORDER, describe, rank
from analysis.trust import importance
from inference.race import Budget, race
from jets import Jets

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
) -> xr.DataTree:
    """Race every candidate on points ``(N, K)`` at resolution ``beta`` and return the tree that ``rank`` takes.

    ``sample_stats`` log_evidence, log_evidence_error, khat, elbo [nat] (topology, beta, seed, jet), a jet being a
    held-out point; ``constant_data`` class_name (seed, jet) from ``label`` ``(N,)``.
    """
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(order, [len(order) // 4])
    tables = []
    for i, latent in enumerate(candidates):
        start = time.perf_counter()
        winner = race(points[train], latent, beta, seed=seed, budget=budget)
        tables.append(scored(winner.log_weights(points[held_out], DRAWS)))
        print(f"{i + 1}/{len(candidates)}  {latent}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
    stats = xr.concat(tables, xr.Variable("topology", list(candidates))).expand_dims(beta=[beta], seed=[seed])
    stats = stats.transpose("topology", "beta", "seed", "jet")
    names = np.full(len(points), "points") if label is None else np.asarray(label, str)
    known = xr.Dataset({"class_name": (("seed", "jet"), names[held_out][None])}, {"seed": [seed]})
    return xr.DataTree.from_dict({"sample_stats": stats, "constant_data": known})


def scored(log_weight: NDArray[np.floating]) -> xr.Dataset:
    """Return evidence and ELBO of each point from ``(draws, N)`` log weights."""
    weights = xr.Dataset(
        {
            "log_weight": (("chain", "draw", "jet"), log_weight[None]),
            "elbo": ("jet", log_weight.mean(0), NATS),
        }
    )
    table = importance(xr.DataTree.from_dict({"sample_stats": weights}))
    return table[["log_evidence", "log_evidence_error", "khat"]].assign(elbo=weights["elbo"])


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog="python -m analysis.league", description="Rank latent topologies on vectors, by raced restarts."
    )
    add = result.add_argument
    add("points", metavar="F", nargs="+", help="an .npy file of vectors (N, K), or a toy such as toy:torus(n=3000)")
    add("--beta", type=float, metavar="B", required=True, help="resolution in units of the vectors; above their noise")
    add("--latent", metavar="S", action="append", help=f"candidate; repeat it for each [{', '.join(ORDER)}]")
    add("--seed", type=int, metavar="S", default=0, help="of split, restarts and draws [0]")
    add("--delta", type=float, metavar="D", default=DELTA, help=f"difference that does not matter [{DELTA} nat]")
    add("--out", metavar="F", help="also keep the tree of one file of points there")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Race, rank, print the table of each file."""
    options = parser().parse_args(arguments)
    from analysis.tree import save
    from inference.machine import tune_cpu
    from jets import load

    tune_cpu()
    for source in options.points:
        points = vectors(load(source))
        tree = league(points, options.beta, options.latent or ORDER, seed=options.seed)
        ranking = rank(tree, delta=options.delta)
        print("\n".join([source, *describe(ranking), f"{source}: {ranking.attrs['chosen']}"]))
        if options.out:
            print(f"wrote {save(tree, options.out)}")


def vectors(sample: Jets) -> NDArray[np.floating]:
    """Return the points of a sample.

    Raises
    ------
    RunError
        It holds jets.
    """
    from inference.run import RunError

    if not sample.are_vectors:
        raise RunError(f"{', '.join(sample.sources)}: a league takes vectors; for jets use python -m inference.scan")
    return sample.constituents


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
