"""Compare the latent coordinates of a run with physical observables.

Leaves meaning.nc and figures in --out; with --own-axes own_axes.nc.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jetvae import options as shared

if TYPE_CHECKING:
    import xarray as xr

    from inference.run import Run


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run", "data", "beta")
    ceiling = "also train networks on each observable, from latents and from the jet: the most that either shows"
    own = "turn and mirror each jet to its own axes first: what the latents say beside the azimuth"
    parser.add_argument("--own-axes", action="store_true", help=own)
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
    from jets.files import ready
    from jetvae.tables import print_meaning, terminal

    run = shared.best_run(options.run)
    out = ready(options.out or run.path)
    tree = on_axes(run, options) if options.own_axes else evaluated(run, options.data, options.beta)
    found, kl = meaning(tree), coordinate_kl(tree)
    if options.ceiling:
        from analysis.evaluation.ceiling import ceiling, read_out

        asked = found["observable"].isin(comparable(options.own_axes))
        found = found.assign(read_out=read_out(run, options.beta).where(asked), ceiling=ceiling(run).where(asked))
    print_meaning(found.isel(sample=0), kl, terminal())
    figures = {"meaning": meaning_map(found.isel(sample=0), kl)}
    if "traversals" in tree:
        figures["traversals"] = cloud_traversals(tree)
    name = "own_axes" if options.own_axes else "meaning"
    if options.own_axes:
        figures = {"own_axes": figures["meaning"]}
    save(found, out / f"{name}.nc")
    print(f"wrote {name}.nc, {', '.join(save_figures(figures, out))} in {out}")


def on_axes(run: Run, options: argparse.Namespace) -> xr.DataTree:
    """Return a run's evaluation on jets on their own axes, without the axis itself, which is the same for all."""
    from analysis.evaluation.own_axes import on_own_axes
    from analysis.evaluation.tree import evaluate

    tree = evaluate(run, on_own_axes(run, options.data), beta=options.beta, curve=False)
    tree["constant_data"] = tree["constant_data"].to_dataset().drop_vars("axis")
    return tree


def comparable(own_axes: bool) -> list[str]:
    """Return the observables of which a supervised network is asked the same: on own axes angles are others."""
    from analysis.measures.observables import OBSERVABLES

    return [name for name, made in OBSERVABLES.items() if not (own_axes and made.turns)]
