"""Sample the exact posterior of some test jets of a run by NUTS.

Leaves RUN/nuts.nc, which jetvae trust and the report compare the guide with.
"""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "beta", "seed")
    shared.add(parser, jets={"default": 64, "help": "test jets, evenly spaced [64]"})
    add = parser.add_argument
    add("--chains", type=shared.positive, metavar="C", default=4, help="chains per jet [4]")
    shared.add(parser, draws={"default": 1000, "help": "draws per chain [1000]"})
    add("--warm-up", type=shared.positive, metavar="W", default=300, help="steps of adaptation [300]")


def run(options: argparse.Namespace) -> None:
    """Sample, keep the draws, name the file."""
    from analysis.measures.nuts_form import standard
    from analysis.store import save
    from inference.machine import tune_cpu
    from inference.nuts import sample_run
    from jets.command import command

    tune_cpu()
    run = shared.best_run(options.run)
    counts = {name: getattr(options, name) for name in ("jets", "chains", "draws", "warm_up", "beta", "seed")}
    tree = sample_run(run, **counts)
    diverged = float(tree["sample_stats_nuts"]["diverging"].mean())
    print(f"{100 * diverged:.2f} % of trajectories diverged\nwrote {save(standard(tree), run.path / 'nuts.nc')}")
    print(f"next: {command('trust', run.path)}")
