"""Repeat a study.

Trains what it needs (finished trainings are kept, unfinished ones continued) and leaves DIR/NAME.nc and figures as
PNG, PDF and SVG. Studies with the same --out share their trainings; jetvae report DIR shows them on one page.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import fill
from typing import Any

from analysis.studies import GROUPS, STUDIES
from jetvae import options as shared

KEYS = {"epochs": "training.epochs", "limit": "data.limit", "device": "training.device"}
"""Option -> key of every recipe of the study."""
DEFAULTS: dict[str, Any] = {"jets": list(shared.SAMPLES), "most": 1500, "out": Path("runs/studies")}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = f"{parser.description}\n{listed()}"
    parser.epilog = fill(" ".join((parser.epilog or "").split()), 78)
    add, jets = parser.add_argument, " ".join(shared.SAMPLES)
    add("study", choices=[*STUDIES], metavar="NAME", help="one of the above")
    add(
        "--jets",
        nargs="+",
        metavar="F",
        help=f"simple jets, complex jets, and further ones that are only scored [{jets}]",
    )
    add("--seeds", type=shared.positive, metavar="N", help="seeds of every training [the study's own number]")
    shared.add(parser, epochs={"help": "passes over the training jets [the study's own]"})
    add("--limit", type=shared.positive, metavar="N", help="training jets of each class at most [the study's own]")
    add("--most", type=shared.positive, metavar="N", help=f"held-out jets of a class scored [{DEFAULTS['most']}]")
    shared.add(parser, "device", "dask", out={"type": Path, "default": DEFAULTS["out"], "metavar": "DIR"})


def listed() -> str:
    """Return the studies by group, a line each."""
    width = max(map(len, STUDIES))
    return "\n".join(
        f"\n{title}:\n" + "\n".join(f"  {name:<{width}}  {about.line}" for name, about in studies.items())
        for title, studies in GROUPS.items()
    )


def run(options: argparse.Namespace) -> None:
    """Run one study, say what it found, and name what it wrote."""
    refuse(options)
    from analysis.studies.run import run_study
    from jets.command import command
    from jetvae.tables import aligned

    given = {key: getattr(options, name) for name, key in KEYS.items()}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    jets, most = options.jets or DEFAULTS["jets"], options.most or DEFAULTS["most"]
    path, parts = run_study(options.study, options.out, jets, options.seeds, changes, most, options.dask)
    for part in parts:
        print(part.reading, *(aligned(part.table) if part.table else []), sep="\n")
    print(f"wrote {path} (and PNG, PDF, SVG); {command('report', options.out)} shows all studies on one page")


def refuse(options: argparse.Namespace) -> None:
    """Assert that no option is given that the study has no use for.

    Raises
    ------
    UserError
        One is.
    """
    from jets.errors import UserError

    unused = [flag for flag in STUDIES[options.study].without if getattr(options, flag[2:]) is not None]
    if unused:
        raise UserError(f"{', '.join(unused)}: study {options.study} has no use for it; leave it out")
