"""The page of one run, from its tree or its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from analysis import store
from analysis.evaluation.trusted import trusted
from analysis.report.export import export, save_text
from analysis.report.inputs import Known, kept, of_run, of_tree
from analysis.report.page import Section, render
from analysis.report.runs import chosen, expanded, overview
from analysis.report.sections import QUESTIONS
from analysis.report.words import counts
from analysis.store import Missing
from inference.run import Run
from jets.command import command


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
    sections = sections_of(known)
    if figure_folder is not None:
        export(sections, Path(figure_folder))
    return write_page(known, sections, Path(out))


def sections_of(known: Known) -> list[Section]:
    """Return the answer to every question, as far as it is known."""
    return [question.answered(known) for question in QUESTIONS]


def write_page(known: Known, sections: Sequence[Section], out: Path) -> Path:
    """Write the page of one run; return its path."""
    return save_text(render(title(known), lead(known), sections, known.notes), out)


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


def read_runs(
    paths: Sequence[str | Path],
    data: Sequence[str] | None = None,
    beta: float | None = None,
    signal: str | None = None,
    *,
    trust: bool = False,
) -> Known:
    """Read run folders, or those of a scan: what is known of the best one, beside a table of all.

    Parameters
    ----------
    paths
        Folders of runs or of a scan.
    data, beta
        Jets and resolution to evaluate at; the run's own test jets and its own resolution by default.
    signal
        Class to be tagged.
    trust
        Whether to measure first how far the posterior can be trusted, and keep it as ``trust.nc``.

    Raises
    ------
    RunError
        There is no run, or it cannot be evaluated at ``data`` or ``beta``.
    """
    folders = expanded(paths)
    table = overview(folders)
    known = of_run(chosen(table), data, beta, signal)
    if trust:
        run = Run.open(known.name)
        known.sources["trust"] = trusted(run, data, beta=beta)
        store.save(known.sources["trust"], run.path / "trust.nc")
    if len(folders) > 1:
        scan = Path(paths[0])
        known.sources["runs"] = table
        known.sources["scan"] = kept(scan / "scan.nc", command("topology", scan))
    return known
