"""Say what is in a file of jets: format, counts, classes, weights, kinematics, what was assumed, what seems wrong.

Every format that jets.load reads; see docs/data.md.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from jetvae import options as shared
from jetvae import reading

if TYPE_CHECKING:
    from jets.inspection import Inspection

BARS = " ▁▂▃▄▅▆▇█"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="files of jets, globs or folders")
    reading.add(parser)
    parser.add_argument("--limit", type=shared.positive, metavar="M", help="constituents beyond which pT is lost")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: argparse.Namespace) -> None:
    """Print what is in each file; of several, JSON is a list."""
    from jets.inspection import inspect
    from jets.sources import expanded

    wanted = reading.wanted(options)
    found = [inspect(file, wanted, limit=options.limit) for file in expanded(options.files)]
    if options.json:
        one, *more = (each.to_dict() for each in found)
        print(json.dumps([one, *more] if more else one, indent=2))
    else:
        print("\n\n".join(map(text, found)))


def text(found: Inspection) -> str:
    """Return an inspection as lines."""
    lines = [f"{found.path}: {found.format}; SHA-256 {found.sha256[:16]}..."]
    lines += [f"assumed: {line}" for line in found.assumed]
    if found.simulated:
        lines.append("simulated: " + ", ".join(f"{name} {value}" for name, value in found.simulated.items()))
    lines += [line for line in str(found.summary).splitlines() if not line.startswith("warning: ")]
    if found.empty:
        lines.append(f"{found.empty:,} jets without particles, left out")
    if found.closure is not None:
        low, middle, high = found.closure
        lines.append(f"pT of the particles over the pT stated: median {middle:.4f} ({low:.4f} to {high:.4f})")
    for name, (edges, counts) in found.histograms.items():
        lines.append(f"{name:>14} {edges[0]:8.4g} {bars(counts)} {edges[-1]:.4g}")
    return "\n".join(lines + [f"warning: {line}" for line in found.warnings])


def bars(counts: list[int]) -> str:
    """Return counts as a row of bars.

    >>> bars([0, 1, 4, 8])
    ' ▁▄█'
    """
    most = max(counts) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] for count in counts)
