"""Print the numbers of a run: AUC of each score, KL of each coordinate, ELBO; keeps the labelled arrays.

Leaves RUN/analysis.nc, an xarray DataTree that ArviZ reads; with --data nothing is kept unless --out says where.
"""

from __future__ import annotations

import argparse
import sys

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta", "signal")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    shared.add(parser, out={"metavar": "F", "help": "the labelled arrays [RUN/analysis.nc; with --data: nowhere]"})


def run(options: argparse.Namespace) -> None:
    """Evaluate, keep the DataTree, print the numbers."""
    import json

    from analysis.evaluation.tree import evaluate
    from analysis.measures.summary import summarise
    from analysis.store import save
    from jets.notes import LOG
    from jetvae.tables import print_summary, terminal

    run = shared.best_run(options.run)
    tree = evaluate(run, options.data, beta=options.beta)
    found = summarise(tree, options.signal)
    if "restarts" in run.provenance:
        found["restarts"] = run.provenance["restarts"]
    shared_files = set(options.data or ()) & set(run.recipe.data.files)
    if shared_files:
        names = ", ".join(sorted(shared_files))
        LOG.warning("%s was also trained on; without --data held-out jets are scored", names)
    out = options.out or (None if options.data else run.path / "analysis.nc")
    if out is not None:
        print(f"wrote {save(tree, out)}", file=sys.stderr)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_summary(found, terminal())
