"""Print how well every score finds anomalous jets, over all masses and within a window of the mass, on held-out jets.

Beside the run's own scores stand three of the jets' shapes, which need no model.
Of jets without labels, or of one class, their distribution and the most anomalous
jets.
"""

from __future__ import annotations

import argparse
import sys

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta", "signal")
    middle = "masses in GeV between which scores are compared [the signal's middle 68 %%]"
    parser.add_argument("--window", type=shared.window, metavar="LO:HI", help=middle)
    shared.add(parser, out={"metavar": "F", "help": "where to keep the scores [RUN/anomaly.nc; with --data: nowhere]"})


def run(options: argparse.Namespace) -> None:
    """Score the held-out jets of a run, keep the scores, print the numbers."""
    from analysis.evaluation.jet_scores import scores
    from analysis.store import save, signal_of
    from jets import load
    from jets.errors import UserError
    from jetvae.tables import print_anomaly, print_distribution, terminal

    run = shared.best_run(options.run)
    found = scores(run, load(*options.data) if options.data else None, beta=options.beta, shapes_alone=True)
    alone = len(found.attrs["classes"]) < 2 and options.signal is None
    if options.window and (alone or "mass" not in found["score_value"].coords):
        raise UserError("--window: there is nothing to compare in it; it takes jets of two classes")
    signal = "" if alone else signal_of(found.attrs["classes"], options.signal, against_others=True)
    out = options.out or (None if options.data else run.path / "anomaly.nc")
    if out is not None:
        print(f"wrote {save(found, out)}", file=sys.stderr)
    if alone:
        print_distribution(found["score_value"], terminal())
    else:
        print_anomaly(found, signal, terminal(), options.window)
