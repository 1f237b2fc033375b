"""Write one self-contained HTML page on a run, a scan, two runs side by side, or the studies in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jetvae import options as shared

if TYPE_CHECKING:
    from analysis.report.page import Page


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, runs={"nargs": "*", "help": "run folders, or the folder of a scan or of studies"})
    add = parser.add_argument
    add("--compare", metavar=("A", "B"), nargs=2, help="set two runs side by side")
    shared.add(parser, "data", "beta", "signal")
    shared.add(parser, out={"metavar": "F", "help": "the page [RUN/report.html; of two: A/comparison.html]"})
    add("--summary", action="store_true", help="also print the tables of jetvae summary")
    add("--trust", action="store_true", help="first do what jetvae trust does [show what it left]")
    add("--arviz", action="store_true", help="add ArviZ's own figures; what they show is kept as RUN/arviz.nc")
    figures = "also write each figure there as PNG, PDF and SVG, its numbers as NetCDF and CSV"
    add("--figures", metavar="DIR", help=figures)


def run(options: argparse.Namespace) -> None:
    """Write the page that is asked for, and name it."""
    from analysis.studies.page import holds_studies
    from inference.run import RunError

    if bool(options.runs) == bool(options.compare):
        raise RunError("give one run, several, or a scan; or --compare A B")
    one = options.runs[0] if len(options.runs) == 1 else None
    if options.compare:
        written = write_compared(options)
    else:
        written = write_study_page(options) if one and holds_studies(Path(one)) else write_run_page(options)
    print(f"report: {written}")


def write_run_page(options: argparse.Namespace) -> Path:
    """Write the page of one run, or of the best one of several."""
    from analysis.report.run_page import page_of
    from analysis.report.runs import read_runs
    from jetvae.tables import print_summary, terminal

    known = read_runs(
        options.runs, options.data, options.beta, options.signal, trust=options.trust, arviz=options.arviz
    )
    if options.summary:
        print_summary(known.numbers, terminal())
    return written(page_of(known), options, Path(options.runs[0]) / "report.html")


def write_compared(options: argparse.Namespace) -> Path:
    """Write the page of two runs side by side."""
    from analysis.report.compare import compared
    from analysis.report.inputs import of_run

    refuse(options, "trust", "summary", "arviz")
    first, second = (of_run(path, options.data, options.beta, options.signal) for path in options.compare)
    return written(compared((first, second)), options, Path(options.compare[0]) / "comparison.html")


def write_study_page(options: argparse.Namespace) -> Path:
    """Write the page of the studies in a folder."""
    from analysis.studies.page import studies_page
    from inference.run import RunError

    refuse(options, "data", "beta", "signal", "trust", "summary", "arviz")
    folder = Path(options.runs[0])
    if options.figures and Path(options.figures).resolve() == folder.resolve():
        raise RunError(f"--figures {folder}: holds the studies' own numbers under these names; choose another folder")
    return written(studies_page(folder), options, folder / "report.html")


def written(page: Page, options: argparse.Namespace, default: Path) -> Path:
    """Write a page, first its figures and numbers where that is wanted, and return its path."""
    from analysis.report.export import export

    if options.figures:
        print(f"figures and numbers in {options.figures}: {', '.join(export(page.sections, Path(options.figures)))}")
    return page.save(options.out or default)


def refuse(options: argparse.Namespace, *names: str) -> None:
    """Assert that no option was given that this page has no use for.

    Raises
    ------
    RunError
        One was.
    """
    from inference.run import RunError

    given = [f"--{name}" for name in names if getattr(options, name)]
    if given:
        raise RunError(f"{', '.join(given)}: not for this page; leave it out")
