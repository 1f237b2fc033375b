"""Repeat a study of 2104.08291.

Trains what it needs (finished trainings are kept, unfinished ones continued) and leaves DIR/NAME.nc and figures as
PNG, PDF and SVG. Studies with the same --out share their trainings; jetvae report DIR shows them on one page.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jetvae import options as shared

NAMES = ("stability", "fractions", "mixtures", "two-way", "triangle", "complexity")
KEYS = {"epochs": "training.epochs", "limit": "data.limit", "device": "training.device"}
"""Option -> key of every recipe of the study."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add, jets = parser.add_argument, " ".join(shared.SAMPLES)
    add("study", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    add(
        "--jets",
        nargs="+",
        metavar="F",
        default=list(shared.SAMPLES),
        help=f"simple jets, complex jets, and further ones that are only scored [{jets}]",
    )
    add("--seeds", type=shared.positive, metavar="N", help="seeds of every training [the study's own number]")
    shared.add(parser, epochs={"help": "passes over the training jets [the study's own]"})
    add("--limit", type=shared.positive, metavar="N", help="training jets of each class at most [the study's own]")
    add("--most", type=shared.positive, metavar="N", default=1500, help="held-out jets of a class scored [1500]")
    shared.add(parser, "device", out={"type": Path, "default": Path("runs/studies"), "metavar": "DIR"})


def run(options: argparse.Namespace) -> None:
    """Run one study, say what it found, and name what it wrote."""
    from analysis.studies.run import run_study
    from jets.command import command
    from jetvae.tables import aligned

    given = {key: getattr(options, name) for name, key in KEYS.items()}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    path, parts = run_study(options.study, options.out, options.jets, options.seeds, changes, options.most)
    for part in parts:
        print(part.reading, *(aligned(part.table) if part.table else []), sep="\n")
    print(f"wrote {path} (and PNG, PDF, SVG); {command('report', options.out)} shows all studies on one page")
