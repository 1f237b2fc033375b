"""Compare the latent coordinates of a run with physical observables.

Leaves meaning.nc and figures in --out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta")
    ceiling = "also train a supervised network on each observable: the most that a jet shows of it"
    parser.add_argument("--ceiling", action="store_true", help=ceiling)
    shared.add(parser, out={"metavar": "DIR", "help": "folder of meaning.nc and the figures [RUN]"})


def run(options: argparse.Namespace) -> None:
    """Compare, print, write ``meaning.nc`` and the figures."""
    from analysis.evaluation.tree import evaluated
    from analysis.figures.clouds import cloud_traversals
    from analysis.figures.meaning import meaning_map
    from analysis.measures.meaning import coordinate_kl, meaning
    from analysis.report.export import save_figures
    from analysis.store import save
    from jetvae.tables import print_meaning, terminal

    run = shared.best_run(options.run)
    tree = evaluated(run, options.data, options.beta)
    found, kl, out = meaning(tree), coordinate_kl(tree), Path(options.out or run.path)
    if options.ceiling:
        from analysis.evaluation.ceiling import ceiling

        found = found.assign(ceiling=ceiling(run))
    print_meaning(found.isel(sample=0), kl, terminal())
    figures = {"meaning": meaning_map(found.isel(sample=0), kl)}
    if "traversals" in tree:
        figures["traversals"] = cloud_traversals(tree)
    save(found, out / "meaning.nc")
    print(f"wrote meaning.nc, {', '.join(save_figures(figures, out))} in {out}")
