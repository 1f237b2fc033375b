"""One self-contained HTML page on a run, or on the studies in a folder: ``python -m analysis.report RUN``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr
from rich.console import Console

from analysis.store import Missing, UnknownClassError
from analysis.commandline import run_parser
from analysis.report.export import export
from analysis.report.inputs import Known, kept, of_run, of_tree
from analysis.report.page import Section, render
from analysis.report.sections import QUESTIONS
from analysis.report.runs import chosen, expanded, overview
from analysis.measures.summary import print_tables
from analysis.report.words import counts


def write_report(
    tree: xr.DataTree, out: str | Path, signal: str | None = None, *, figure_folder: str | Path | None = None
) -> Path:
    """Write the page of a tree made by :func:`analysis.evaluate`; return its path.

    Each figure and its numbers also go into ``figure_folder``, if given, as PNG, PDF, SVG, NetCDF and CSV.

    Raises
    ------
    UnknownClassError
        ``signal`` is not a class of the tree.
    """
    known = of_tree(tree, signal)
    sections = answered(known)
    if figure_folder is not None:
        export(sections, Path(figure_folder))
    return write_page(known, sections, Path(out))


def answered(known: Known) -> list[Section]:
    """Return the answer to every question, as far as it is known."""
    return [question.answered(known) for question in QUESTIONS]


def write_page(known: Known, sections: Sequence[Section], out: Path) -> Path:
    """Write the page of one run; return its path."""
    return write_text(render(title(known), lead(known), sections, known.notes), out)


def write_text(page: str, out: Path) -> Path:
    """Write a page, atomically; return its path."""
    from jets.files import replacing

    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out


def title(known: Known) -> str:
    """Return the head of the page."""
    try:
        return f"Latent space {known.recipe['model']['latent']}"
    except Missing:
        return f"Run {known.name}"


def lead(known: Known) -> str:
    """Return what stands below it."""
    try:
        numbers = known.numbers
    except Missing:
        return known.name
    return f"{known.name}: {counts(numbers['counts']['scored'])} jets ({known.tree.attrs['scored']})"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = run_parser("report", "Write a run's HTML report.", several=True)
    result.add_argument("--compare", metavar=("A", "B"), nargs=2, help="set two runs side by side")
    result.add_argument("--out", metavar="F", help="the page [RUN/report.html; of two: A/comparison.html]")
    result.add_argument("--summary", action="store_true", help="also print the tables of analysis.measures.summary")
    result.add_argument("--trust", action="store_true", help="first do what analysis.measures.trust does [show what it left]")
    result.add_argument(
        "--figures",
        metavar="DIR",
        help="also write each figure there as PNG, PDF and SVG, its numbers as NetCDF and CSV",
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate runs (or read what the summary kept), write the page, name it."""
    options = parser().parse_args(arguments)
    from inference.run import RunError

    if bool(options.runs) == bool(options.compare):
        raise RunError("give one run, several, or a scan; or --compare A B")
    try:
        written = writer(options)(options)
    except UnknownClassError as error:
        raise RunError(f"--signal: {error}") from error
    print(f"report: {written}")


def writer(options: argparse.Namespace) -> Callable[[argparse.Namespace], Path]:
    """Return what writes the page that is asked for."""
    from analysis.studies.page import holds_studies

    if options.compare:
        return compare
    return studies if len(options.runs) == 1 and holds_studies(Path(options.runs[0])) else report


def report(options: argparse.Namespace) -> Path:
    """Write the page of one run, or of the chosen one of several."""
    folders = expanded(options.runs)
    table = overview(folders)
    known = of_run(chosen(table), options.data, options.beta, options.signal)
    if options.trust:
        known.sources["trust"] = checked(known.name, options)
    if len(folders) > 1:
        known.sources["runs"] = table
        scan = Path(options.runs[0])
        known.sources["scan"] = kept(scan / "scan.nc", f"python -m analysis.topology {scan}")
    sections = answered(known)
    if options.summary:
        print_tables(known.numbers, Console())
    if options.figures:
        name_files(export(sections, Path(options.figures)), options.figures)
    return write_page(known, sections, Path(options.out or Path(options.runs[0]) / "report.html"))


def checked(folder: str, options: argparse.Namespace) -> xr.DataTree:
    """Do, and keep, what ``python -m analysis.trust`` does."""
    from analysis.evaluation.tree import save
    from analysis.evaluation.trusted import trusted
    from inference.run import Run

    run = Run.open(folder)
    tree = trusted(run, options.data, beta=options.beta)
    save(tree, run.path / "trust.nc")
    return tree


def compare(options: argparse.Namespace) -> Path:
    """Write the page of two runs side by side."""
    from analysis.report.compare import compared

    first, second = (of_run(path, options.data, options.beta, options.signal) for path in options.compare)
    sections = compared(first, second)
    if options.figures:
        name_files(export(sections, Path(options.figures)), options.figures)
    notes = [f"{known.name}: {note}" for known in (first, second) for note in known.notes]
    heads = [f"{title(known)} ({known.name})" for known in (first, second)]
    page = render("Two runs side by side", " and ".join(heads), sections, notes, heads)
    return write_text(page, Path(options.out or Path(first.name) / "comparison.html"))


def studies(options: argparse.Namespace) -> Path:
    """Write the page of the studies in a folder."""
    from analysis.studies.page import answers, page
    from inference.run import RunError

    folder = Path(options.runs[0])
    sections = answers(folder)
    if options.figures and Path(options.figures).resolve() == folder.resolve():
        raise RunError(f"--figures {folder}: holds the studies' own numbers under these names; choose another folder")
    if options.figures:
        name_files(export(sections, Path(options.figures)), options.figures)
    return write_text(page(sections, folder), Path(options.out or folder / "report.html"))


def name_files(written: Sequence[str], folder: str) -> None:
    """Print what was written."""
    print(f"figures and numbers in {folder}: {', '.join(written)}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
