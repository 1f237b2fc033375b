"""Rank the latent spaces of a scan by held-out ln p(x), in paired differences; leaves SCAN/scan.nc."""

from __future__ import annotations

import argparse
from pathlib import Path

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("scan", metavar="SCAN", help="folder of a scan")
    shared.add(parser, beta={"help": "resolution: one of the scan's, or within the range that its runs cover"})
    shared.add(parser, jets={"default": 1000, "help": "test jets of each seed, evenly spaced [1000]"})
    shared.add(parser, "delta", "trust_code", draws={"default": 200, "help": "draws of the guide for each jet [200]"})


def run(options: argparse.Namespace) -> None:
    """Evaluate the runs of the scan, keep their tree, print the table."""
    from analysis.evaluation.scan import collect
    from analysis.measures.topology import describe, rank
    from analysis.store import save
    from inference.digests import digests
    from inference.scan import runs

    members = runs(options.scan)
    tree = collect(members, draws=options.draws, at_most=options.jets, beta=options.beta)
    tree.attrs |= digests(members, options.scan)
    print("\n".join(describe(rank(tree, options.beta, options.delta))))
    print(f"wrote {save(tree, Path(options.scan) / 'scan.nc')}")
