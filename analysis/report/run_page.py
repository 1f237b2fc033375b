"""The page of one run, from its tree or from what is known of its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from analysis.report.export import export
from analysis.report.inputs import Known, of_tree
from analysis.report.page import Page
from analysis.report.sections import QUESTIONS, arviz
from analysis.report.words import counted, jets_of, listed
from analysis.store import Missing
from jets.progress import Progress


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
    page = page_of(of_tree(tree, signal))
    if figure_folder is not None:
        export(page.sections, Path(figure_folder))
    return page.save(out)


def page_of(known: Known) -> Page:
    """Return the page of one run: the answer to every question, where it is known."""
    asked = [*QUESTIONS[:-1], arviz.QUESTION, QUESTIONS[-1]] if "arviz" in known.sources else QUESTIONS
    sections = []
    with Progress(len(asked), "report", "sections") as progress:
        for question in asked:
            sections.append(question.answered(known))
            progress.advance(said=question.name)
    return Page(title(known), lead(known), sections, known.notes, box=True)


def title(known: Known) -> str:
    """Return the head of the page: the run, or how many a scan has, and the sample."""
    runs = known.sources.get("runs")
    name = Path(known.name).name or known.name
    if isinstance(runs, xr.Dataset):
        name = f"Scan of {counted(runs.sizes['run'], 'run')}"
    try:
        return f"{name}: {listed(known.recipe['data']['files'])}"
    except Missing:
        return f"Run {known.name}"


def lead(known: Known) -> str:
    """Return what stands below it."""
    try:
        numbers = known.numbers
    except Missing:
        return known.name
    files = [str(file) for file in np.atleast_1d(known.tree.attrs["data"])]
    scored = f"{jets_of(numbers['counts']['scored'], files)} ({known.tree.attrs['scored']})"
    return f"Latent space {numbers['latent']}; {known.name}: evaluated on {scored}"
