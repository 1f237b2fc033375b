"""Sample the exact posterior of some test jets of a run by NUTS.

Leaves RUN/nuts.nc, which jetvae trust and the report compare the guide with.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jetvae import options as shared

if TYPE_CHECKING:
    import xarray as xr

    from inference.run import Run

COUNTS = {"chains": 4, "draws": 1000, "warm_up": 300}
JETS, OF_STANDARD = 64, 8
"""Jets by default, and with --standard, which takes 21 times as many steps for each."""


KEPT = "interrupted; no draws are kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "beta", "seed")
    shared.add(parser, jets={"help": f"test jets, evenly spaced [{JETS}; {OF_STANDARD} with --standard]"})
    add = parser.add_argument
    add("--chains", type=shared.positive, metavar="C", help="chains per jet [4]")
    shared.add(parser, draws={"help": "draws per chain [1000]"})
    add("--warm-up", type=shared.positive, metavar="W", help="steps of adaptation [300]")
    add(
        "--standard",
        action="store_true",
        help="10,000 draws per jet that meet posteriordb's criteria: 10 chains, thinned, R-hat < 1.01, ESS as of "
        "independent draws, no divergences; sampled again where they do not",
    )


def run(options: argparse.Namespace) -> None:
    """Sample, keep the draws, name the file."""
    from analysis.measures.nuts_form import standard
    from analysis.store import save
    from inference.machine import tune_cpu
    from jets.command import command

    tune_cpu()
    run = shared.best_run(options.run)
    tree = sampled(run, options)
    print(f"wrote {save(standard(tree), run.path / 'nuts.nc')}")
    print(f"next: {command('trust', run.path)}")


def sampled(run: Run, options: argparse.Namespace) -> xr.DataTree:
    """Return the draws, and say what they are worth."""
    from analysis.evaluation.reference import reference
    from analysis.measures.reference import DRAWS, lacking
    from inference.nuts import sample_run
    from jets.errors import UserError

    given = {name: getattr(options, name) for name in COUNTS if getattr(options, name) is not None}
    common = {"beta": options.beta, "seed": options.seed}
    if not options.standard:
        tree = sample_run(run, jets=options.jets or JETS, **(COUNTS | given), **common)
        print(f"{100 * float(tree['sample_stats_nuts']['diverging'].mean()):.2f} % of trajectories diverged")
        return tree
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"--standard fixes chains, draws and steps of adaptation; leave out {flags}")
    tree = reference(run, jets=options.jets or OF_STANDARD, **common)
    found = tree["reference"].to_dataset()
    ess = float(found[["ess_bulk", "ess_tail"]].to_dataarray().min())
    print(
        f"{int(found['met'].sum())} of {found.sizes['jet']} jets meet the standard: R-hat at most "
        f"{float(found['rhat'].max()):.4f}, ESS at least {ess:.0f}, {int(found['divergences'].sum())} divergences"
    )
    for line in lacking(found, DRAWS):
        print(f"short of it: {line}")
    return tree
