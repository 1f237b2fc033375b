"""Export a run: programs that others run without this package, checked against the run; or one file to share.

Writes DIR with encoder.onnx, model.pt (TorchScript), model.pt2 (torch.export),
card.md, weights, recipe, provenance and checksums; whole, or not at all.
With --bundle F.zip: recipe, weights, history, provenance, card, checksums, and
what the training jets decide of scores, in one file, nothing executable;
jetvae open F.zip makes a run of it again, which encodes jets without them.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jetvae import options as shared

if TYPE_CHECKING:
    from inference.run import Run


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    about = "jets to compare with the run on [its own, 10,000 of them]"
    shared.add(parser, "run", data={"help": about}, beta={"help": "resolution of a run of a range [the middle]"})
    shared.add(parser, out={"metavar": "DIR", "help": "the new folder"})
    parser.add_argument("--bundle", metavar="F.zip", help="write one file to share instead")


def run(options: argparse.Namespace) -> None:
    """Export, and print what was left out and the largest differences."""
    from pathlib import Path

    from jets.errors import UserError

    if bool(options.out) == bool(options.bundle):
        raise UserError("export: give -o DIR for programs, or --bundle F.zip for a file to share")
    if options.bundle and (options.data or options.beta):
        raise UserError("export --bundle: shares the whole run; leave --data and --beta out")
    opened = shared.best_run(options.run)
    if options.bundle:
        from analysis.deployment.bundle import write_bundle

        complete(opened)
        print(f"wrote {write_bundle(opened, Path(options.bundle))}")
        return
    from analysis.deployment.export import export

    exported = export(opened, Path(options.out), options.data, options.beta)
    for file, outputs in exported.files.items():
        print(f"{file}: {', '.join(outputs)}")
    for file, left_out in exported.left_out.items():
        for reason in dict.fromkeys(left_out.values()):
            names = ", ".join(name for name, why in left_out.items() if why == reason)
            print(f"{file}: left out {names}: {reason}")
    for agreement in exported.agreements:
        print(f"self-check {agreement}")
    print(f"wrote {options.out}")


def complete(run: Run) -> None:
    """Keep in a run's folder what its training jets decide of scores, for those who will not have these jets."""
    from analysis.answers.kept import orientation
    from analysis.evaluation.odd_of_run import odd_of
    from inference.run import RunError
    from jets.notes import LOG

    try:
        orientation(run)
    except RunError as error:
        LOG.warning("scores are not oriented, to encode with the bundle takes the training jets: %s", error)
    odd_of(run)
