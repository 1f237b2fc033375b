"""Finish a training or a scan that was interrupted, or prolong it.

A training resumes from its last checkpoint and ends with the weights that it would have had; finished runs of a scan
stay as they are.
"""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", metavar="DIR", help="folder of the run or scan")
    shared.add(parser, epochs={"help": "new number of passes over the training jets [as before]"})
    shared.add(parser, "device", "together")


def run(options: argparse.Namespace) -> None:
    """Train on, then name the files."""
    from jetvae.trainings import finished, resumed

    given = {"training.epochs": options.epochs, "training.device": options.device}
    changes = {key: value for key, value in given.items() if value is not None}
    finished(*resumed(options.folder, changes, options.together))
