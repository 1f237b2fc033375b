"""Convert files of jets, of any format that is known, into one HDF5 file that trains at once.

ROOT, parquet, pandas, HepMC and HDF5 files of others are read some jets at a
time, so that memory does not grow with them.
"""

from __future__ import annotations

import argparse
from collections import Counter

from jetvae import options as shared
from jetvae import reading

KEPT = "interrupted; the file is not written, and nothing is kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", metavar="SRC", nargs="+", help="files of jets, globs or folders")
    shared.add(parser, out={"metavar": "F", "required": True, "help": "the HDF5 file"})
    reading.add(parser)
    parser.add_argument("--skip-bad", action="store_true", help="leave out jets that cannot be right, and count them")


def run(options: argparse.Namespace) -> None:
    """Convert, and name the file and what was left out."""
    from jets.convert import convert

    done = convert(options.files, options.out, reading.wanted(options), skip_bad=options.skip_bad)
    for (source, reason), count in Counter((left.source, left.reason) for left in done.left_out).items():
        print(f"left out {count:,} of {source}: {reason}")
    counts = ", ".join(f"{count:,} {name}" for name, count in done.counts.items() if count)
    print(f"wrote {done.path}: {counts}")
