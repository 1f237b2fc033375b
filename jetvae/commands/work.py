"""Train the runs of a scan that no other process trains; any number of calls, on machines that share the folder.

`jetvae train ... --cells` makes such a folder; a scan that was interrupted is one too. Each call takes a run at a time
and ends when all are finished. Killed, it loses what was trained since the last checkpoint, and the run is taken over
by another. docs/scale.md has files for Slurm and HTCondor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jetvae import options as shared


def part(text: str) -> tuple[int, int]:
    """Read ``I/N``, with I from 1 to N.

    >>> part("3/8")
    (3, 8)
    """
    try:
        i, n = map(int, text.split("/"))
    except ValueError:
        i, n = 0, 0
    if not 1 <= i <= n:
        raise argparse.ArgumentTypeError(f"expected I/N with I from 1 to N, as 1/8, got {text}")
    return i, n


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", metavar="SCAN", help="folder of a scan")
    parser.add_argument(
        "--cell", type=part, metavar="I/N", default=(1, 1), help="each N-th run from the I-th on [1/1: all]"
    )
    parser.add_argument("--only", metavar="RUN", nargs="+", default=[], help="runs by their names in scan.json")
    parser.add_argument(
        "--no-wait", action="store_true", help="end when nothing is left to begin, rather than when all are finished"
    )
    parser.add_argument("--retry", action="store_true", help="try again what failed (failure.txt in its folder)")
    shared.add(parser, "dask", "trust_code")


def run(options: argparse.Namespace) -> None:
    """Work, then say what was done."""
    from inference.cluster import distribute
    from inference.records import RunError
    from inference.work import work
    from jetvae.trainings import worked_off

    if options.dask is not None:
        if options.only or options.no_wait or options.cell != (1, 1):
            raise RunError("--dask trains all of a scan; leave out --cell, --only and --no-wait")
        worked = distribute(options.folder, options.dask, retry=options.retry, trust=options.trust_code)
    else:
        worked = work(
            options.folder, part=options.cell, only=options.only, wait=not options.no_wait, retry=options.retry
        )
    worked_off(worked, Path(options.folder))
