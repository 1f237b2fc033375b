"""Repeat a study of 2104.08291: ``python -m analysis.study NAME [--jets QCD TOP W] [--out DIR]``.

Trains what it needs (finished trainings are kept, unfinished ones continued) and leaves ``DIR/NAME.nc`` and figures as
PNG, PDF and SVG. Studies with the same ``--out`` share their trainings, and ``python -m analysis.report DIR`` shows
them on one page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from analysis.report.export import save_figures
from analysis.report.page import Table
from analysis.studies import STUDIES
from analysis.studies.setup import Setup
from inference.errors import exit_code
from inference.recipe import RecipeError
from inference.run import command_line
from jets.files import replacing

OVERRIDES = {"epochs": "training.epochs", "limit": "data.limit", "device": "training.device"}
"""Option -> key of every recipe of the study."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(prog="python -m analysis.study", description="Repeat a study of 2104.08291.")
    add = result.add_argument
    add("study", choices=list(STUDIES), metavar="NAME", help=", ".join(STUDIES))
    add(
        "--jets",
        nargs="+",
        metavar="F",
        default=list(Setup.files),
        help=f"simple jets, complex jets, and further ones that are only scored [{' '.join(Setup.files)}]",
    )
    add("--seeds", type=int, metavar="N", help="seeds of every training [the study's own number]")
    add("--epochs", type=int, metavar="N", help="passes over the training jets [the study's own]")
    add("--limit", type=int, metavar="N", help="training jets of each class at most [the study's own]")
    add("--most", type=int, metavar="N", default=Setup.most, help=f"held-out jets of a class scored [{Setup.most}]")
    add("--device", metavar="D", help="auto, cpu or cuda [auto]")
    add("--out", metavar="DIR", type=Path, default=Path("runs/studies"), help="folder of all studies [runs/studies]")
    return result


def setup_of(options: argparse.Namespace) -> Setup:
    """Return what the options describe."""
    changes: dict[str, Any] = {
        key: getattr(options, name) for name, key in OVERRIDES.items() if getattr(options, name) is not None
    }
    setup = Setup(options.out, tuple(options.jets), options.seeds, changes, options.most)
    if len(setup.jets.classes) != 2:
        raise RecipeError(f"--jets: the first two files must hold one class each, they hold {setup.jets.counts}")
    return setup


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one study, say what it found, and name what it wrote."""
    options = parser().parse_args(arguments)
    setup, study = setup_of(options), STUDIES[options.study]
    measured = study.measure(setup)
    measured.attrs |= {"study": options.study, "jets": list(setup.files), "command": command_line()}
    path = setup.folder / f"{options.study}.nc"
    with replacing(path) as temporary:
        measured.to_netcdf(temporary, engine="h5netcdf")
    parts = study.QUESTION.answered(measured).parts
    save_figures({part.name: part.figure for part in parts if part.figure is not None}, setup.folder)
    for part in parts:
        print(part.reading, *(aligned(part.table) if part.table else []), sep="\n")
    print(f"wrote {path} (and PNG, PDF, SVG); python -m analysis.report {setup.folder} shows all studies on one page")


def aligned(table: Table) -> Iterator[str]:
    """Yield the rows of a table, its columns aligned.

    >>> list(aligned(Table(["", "AUC"], [["VAE", "0.9"]])))
    ['     AUC', 'VAE  0.9']
    """
    rows = [[*map(str, row)] for row in (table.head, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells])


if __name__ == "__main__":
    sys.exit(exit_code(main))
