"""Print the mutual information of latents and jets, and where the KL goes, for all jets and for each class."""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta")


def run(options: argparse.Namespace) -> None:
    """Print the information of a run."""
    from analysis.evaluation.tree import evaluated
    from analysis.measures.information import describe, information

    tree = evaluated(shared.best_run(options.run), options.data, options.beta)
    print("\n".join(describe(information(tree))))
