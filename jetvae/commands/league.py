"""Rank latent topologies by raced restarts: say on which manifold vectors lie."""

from __future__ import annotations

import argparse

from jets.processes import cores
from jetvae import options as shared

KEPT = "interrupted; no race is kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("points", metavar="F", nargs="+", help="an .npy file of vectors (N, K), or a toy such as toy:torus(n=3000)")
    shared.add(parser, beta={"required": True, "help": "resolution in units of the vectors; above their noise"})
    add("--latent", metavar="S", action="append", help="candidate; repeat it for each [ten manifolds up to R3]")
    add("--all", action="store_true", help="also race candidates that the shape of the points contradicts")
    shared.add(parser, "delta", seed={"help": "of split, restarts and draws [0]"})
    add("--jobs", type=shared.positive, metavar="N", default=cores(), help="processes [one for each core]")
    shared.add(parser, "dask")
    shared.add(parser, out={"metavar": "F", "help": "also keep the tree of one file of points there"})


def run(options: argparse.Namespace) -> None:
    """Race, rank, print the table of each file."""
    from analysis.evaluation.league import league, vectors
    from analysis.measures.doubt import answer, decided, sentence
    from analysis.measures.topology import ORDER, describe, rank
    from analysis.store import save
    from inference.entry import announce
    from inference.machine import tune_cpu
    from jets import load
    from jets.processes import workers

    with workers(options.jobs, tune_cpu, options.dask) as pool:
        for source in options.points:
            given = load(source)
            announce(given)
            points = vectors(given)
            candidates = options.latent or ORDER
            tree = league(points, options.beta, candidates, seed=options.seed, pool=pool, every=options.all)
            ranking = rank(tree, delta=options.delta)
            found = answer(tree, ranking)
            print("\n".join([source, *describe(decided(ranking, found)), f"{source}: {sentence(found)}"]))
            if options.out:
                print(f"wrote {save(tree, options.out)}")
