"""Say whether the approximate posterior of a run can be trusted.

Importance weights, gaps, calibration by simulation and, where jetvae nuts was run, the distance from NUTS. Leaves
RUN/trust.nc, which the report shows; with --data nothing is kept unless --out says where.
"""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta")
    shared.add(parser, jets={"default": 200, "help": "test jets, evenly spaced [200]"})
    shared.add(parser, draws={"default": 1000, "help": "draws of the guide for each jet [1000]"})
    shared.add(parser, out={"metavar": "F", "help": "what was drawn [RUN/trust.nc; with --data: nowhere]"})


def run(options: argparse.Namespace) -> None:
    """Draw what the checks need, keep it, print the findings."""
    from analysis.evaluation.trusted import trusted
    from analysis.measures.trust import checks
    from analysis.store import save

    run = shared.best_run(options.run)
    tree = trusted(run, options.data, at_most=options.jets, draws=options.draws, beta=options.beta)
    for check in checks(tree):
        print(f"{'pass' if check.passed else 'FAIL'}  {check.name}: {check.reading}")
    out = options.out or (None if options.data else run.path / "trust.nc")
    if out is not None:
        print(f"wrote {save(tree, out)}")
