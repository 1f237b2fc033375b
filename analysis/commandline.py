"""What the commands of this package have in common: a run, the jets to look at, the class to be tagged."""

from __future__ import annotations

import argparse


def run_parser(command: str, description: str, *, several: bool = False) -> argparse.ArgumentParser:
    """Return a parser with RUN (``runs``, where there may be several), ``--data``, ``--beta`` and ``--signal``.

    >>> run_parser("summary", "").parse_args(["runs/mine", "--data", "a.h5", "b.h5:top"]).data
    ['a.h5', 'b.h5:top']
    """
    result = argparse.ArgumentParser(prog=f"python -m analysis.{command}", description=description)
    if several:
        result.add_argument("runs", metavar="RUN", nargs="*", help="run folders, or the folder of a scan or of studies")
    else:
        result.add_argument("run", metavar="RUN", help="run folder")
    result.add_argument(
        "--data",
        metavar="F[:class]",
        nargs="+",
        action="extend",
        help="jets to look at instead of the run's own test jets; repeatable",
    )
    result.add_argument(
        "--beta", type=float, metavar="B", help="where to look at a run of a range of resolutions [the middle]"
    )
    result.add_argument("--signal", metavar="CLASS", help="class to be tagged [the last one]")
    return result
