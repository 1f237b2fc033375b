"""Open a file that jetvae export --bundle wrote: check it, and unpack it into a run folder."""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="F.zip", help="the bundle")
    shared.add(parser, out={"metavar": "DIR", "help": "the new run folder [F, here]"})


def run(options: argparse.Namespace) -> None:
    """Unpack, and name the folder."""
    from pathlib import Path

    from analysis.deployment.bundle import unpack_bundle
    from jets.command import command

    path = Path(options.file)
    folder = unpack_bundle(path, Path(options.out or path.stem))
    print(f"wrote {folder}; next: {command('report', folder, '--data', 'F')}")
