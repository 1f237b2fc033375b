"""Write what a run says of every jet of files of any size and format: latents, KL, bound, all scores, a p-value.

Of jets the p-value says how odd each is among those of its mass and pT. A row a
jet, in the files' order, beside the files' own columns (event number, class,
weight); NaN where a jet cannot be described.
"""

from __future__ import annotations

import argparse
import time

from jetvae import options as shared
from jetvae import reading

KEPT = "interrupted; the table is not written, and nothing is kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run")
    parser.add_argument("files", metavar="F[:class]", nargs="+", help="jets, of any known format")
    shared.add(parser, out={"metavar": "F", "required": True, "help": "table: .parquet, .root, .h5, .nc or .csv"})
    several = "of the guide for each jet [4]; 0: at the posterior's centre, without noise, as exported models do"
    shared.add(parser, "beta", "seed", "dask", draws={"type": shared.whole, "default": 4, "help": several})
    reading.add(parser)
    parser.add_argument("--skip-bad", action="store_true", help="jets that cannot be right get NaN, and are counted")


def run(options: argparse.Namespace) -> None:
    """Encode, name the table, and say how many jets have no answer."""
    from analysis.answers.opened import OpenRun
    from analysis.answers.streaming import answered
    from analysis.answers.tables import table, writer_of
    from jets.processes import workers
    from jets.progress import Progress

    writer_of(options.out)
    trained = OpenRun.open(shared.best_run(options.run).path)
    settings = {"draws": options.draws, "seed": options.seed, "beta": options.beta, "skip_bad": options.skip_bad}
    beta = trained.recipe.model.beta.typical if options.beta is None else options.beta
    facts = {"run": str(trained.path), "latent": trained.recipe.model.latent, "digest": trained.digest}
    facts |= {"beta": f"{beta:g}", "draws": str(options.draws), "seed": str(options.seed)}
    count, without, began = 0, 0, time.perf_counter()
    with (
        workers(1, dask=options.dask) as pool,
        table(options.out, facts) as append,
        Progress(None, "encoded") as progress,
    ):
        for part in answered(trained, options.files, reading.wanted(options), **settings, pool=pool):
            append(part.rows)
            count, without = count + len(part.rows), without + part.without
            progress.update(count)
    if without:
        print(f"{without:,} of {count:,} jets cannot be described (no particles, or none inside the image): NaN")
    print(f"wrote {options.out}: {count:,} jets, {count / (time.perf_counter() - began):,.0f} jets/s")
