"""The numbers of a run: ``python -m analysis.summary RUN [--data F ...] [--json]``.

The JSON document has these keys, which stay:

==========================  ==========================================================================================
``auc.<score>.value``       area under the ROC curve, ``signal`` against all other classes, larger scores counted as
                            signal; never reoriented. Scores: ``reconstruction``, ``kl``, ``elbo`` (minus the bound),
                            ``latent_<coordinate>``, ``mixture_<k>``
``auc.<score>.error``       its bootstrap standard error
``category``                of a latent category: ``auc`` and ``accuracy`` of the one with the wider jets, each with
                            value and error; ``chosen``, ``share``, ``width`` (:func:`analysis.measures.categories.category`)
``kl.<coordinate>``         mean KL [nat] of each coordinate, or of each factor where the KL does not split
``elbo``                    mean ELBO [nat per jet]
``reconstruction``          mean of -ln p(x|z) [nat per jet]
``jets_per_second``         median training rate
``counts.<part>.<class>``   jets trained on, validated on, tested on, and ``scored`` here
``dimension``               of a run of a range of beta: lists ``beta``, ``kl`` [nat], ``distortion``, ``D1``, ``D2``,
                            equally long; see :mod:`analysis.evaluation.resolutions`
``signal``, ``classes``     the class counted as signal, and all classes of the jets scored
``run``, ``latent``, ``beta``
==========================  ==========================================================================================
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table

from analysis.store import UnknownClassError, array, class_names, classes, names
from analysis.measures.categories import category
from analysis.commandline import run_parser
from analysis.measures.tagging import auc_table


def summarise(tree: xr.DataTree, signal: str | None = None) -> dict[str, Any]:
    """Return the numbers of a tree (see :mod:`analysis.measures.summary` for the keys).

    ``signal`` is the class to be tagged, by default the last one.

    Raises
    ------
    UnknownClassError
        ``signal`` is not a class of the tree.
    """
    known = classes(tree)
    signal = known[-1] if signal is None else signal
    if signal not in known:
        raise UnknownClassError(f"unknown class {signal!r}; the jets are {', '.join(known)}")
    kl = array(tree, "information/kl").mean("jet")
    label = class_names(tree)
    return {
        "run": tree.attrs["run"],
        "latent": tree.attrs["latent"],
        "beta": float(tree.attrs["beta"]),
        "classes": known,
        "signal": signal,
        "auc": {name: estimate._asdict() for name, estimate in auc_table(tree, signal).items()},
        "category": category(tree, signal),
        "kl": {name: float(kl.sel(kl_term=name)) for name in names(kl, "kl_term")},
        "elbo": float(array(tree, "sample_stats/elbo").mean()),
        "reconstruction": float(array(tree, "sample_stats/reconstruction").mean()),
        "jets_per_second": float(tree.attrs["jets_per_second"]),
        "counts": json.loads(tree.attrs["train_counts"])
        | {"scored": {name: int(np.sum(label == name)) for name in known}},
    } | ({"dimension": dimension_lists(tree)} if "dimension" in tree else {})


def dimension_lists(tree: xr.DataTree) -> dict[str, list[float]]:
    """Return the curves against resolution as lists."""
    columns = ("beta", "kl", "distortion", "D1", "D2")
    return {name: np.asarray(array(tree, f"dimension/{name}"), float).tolist() for name in columns}


def print_tables(summary: dict[str, Any], console: Console) -> None:
    """Print the summary as tables for a reader."""
    scored = ", ".join(f"{count:,} {name}" for name, count in summary["counts"]["scored"].items())
    console.print(f"[bold]{summary['run']}[/]: {summary['latent']}, beta = {summary['beta']:g}; scored on {scored}")
    if summary["auc"]:
        table = Table("score", "AUC", "error", title=f"tagging {summary['signal']}", title_justify="left")
        for name, estimate in summary["auc"].items():
            table.add_row(name, f"{estimate['value']:.4f}", f"{estimate['error']:.4f}")
        console.print(table)
    else:
        console.print("one class only: no AUC")
    if summary["category"]:
        found = summary["category"]
        auc, accuracy = ("{value:.3f} ± {error:.3f}".format(**found[name]) for name in ("auc", "accuracy"))
        console.print(f"category {found['chosen']}, of the wider jets: AUC {auc}, accuracy {accuracy}", highlight=False)
    table = Table("coordinate", "KL [nat]", title="information", title_justify="left")
    for name, value in summary["kl"].items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    if "dimension" in summary:
        table = Table(*summary["dimension"], title="dimension", title_justify="left")
        for row in zip(*summary["dimension"].values(), strict=True):
            table.add_row(*(f"{value:.4g}" for value in row))
        console.print(table)
    console.print(
        f"ELBO {summary['elbo']:.3f} nat per jet; trained at {summary['jets_per_second']:,.0f} jets/s", highlight=False
    )


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = run_parser("summary", "Print the numbers of a run.")
    result.add_argument("--json", action="store_true", help="one JSON document on standard output")
    result.add_argument(
        "--out", metavar="F", help="where to keep the labelled arrays [RUN/analysis.nc; with --data: nowhere]"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate a run, keep the DataTree, print the numbers."""
    options = parser().parse_args(arguments)
    from analysis.evaluation.tree import evaluate, save
    from inference.run import Run, RunError

    run = Run.open(options.run)
    result = evaluate(run, options.data, beta=options.beta)
    try:
        summary = summarise(result, options.signal)
    except UnknownClassError as error:
        raise RunError(f"--signal: {error}") from error
    out = options.out or (None if options.data else run.path / "analysis.nc")
    shared = set(options.data or ()) & set(run.recipe.data.files)
    if shared:
        print(
            f"note: {', '.join(sorted(shared))} was also trained on; without --data held-out jets are scored",
            file=sys.stderr,
        )
    if out is not None:
        save(result, Path(out))
        print(f"wrote {out}", file=sys.stderr)
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        print_tables(summary, Console())


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
