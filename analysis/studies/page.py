"""A page on the studies in a folder, and what else could be measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from analysis.report.inputs import KEPT, kept
from analysis.report.page import Page, Part, Section, Table
from analysis.studies import GROUPS, STUDIES, study
from jets.command import command

Measured = Mapping[str, xr.Dataset]


def holds_studies(folder: Path) -> bool:
    """Whether studies left their numbers there; a run's own figures may bear the same names."""
    return any((folder / f"{name}.nc").exists() for name in STUDIES) and not any((folder / f).exists() for f in KEPT)


def studies_page(folder: Path) -> Page:
    """Return a page with a section for each study that is there, how to reproduce it, and what else there is."""
    found = {
        name: kept(folder / f"{name}.nc", made_by(name, folder)) for name in STUDIES if (folder / f"{name}.nc").exists()
    }
    measured = {name: tree.to_dataset() for name, tree in found.items() if isinstance(tree, xr.DataTree)}
    questions = {name: study(name).QUESTION for name in found}
    sections = [
        question.answered(measured[name])
        if name in measured
        else Section(name, question.question, [Part(name, "", missing=str(found[name]))])
        for name, question in questions.items()
    ]
    sections.append(Section("reproduction", "How to reproduce it?", [commands(measured, folder)]))
    if rest := [name for name in STUDIES if name not in found]:
        sections.append(Section("others", "What else can be measured?", [others(rest, folder)]))
    lead = f"{folder}: {len(measured)} of {len(STUDIES)} studies"
    return Page("Studies of latent spaces", lead, sections)


def made_by(name: str, folder: Path) -> str:
    """Return the command that makes a study."""
    return command("study", name, "--out", folder)


def commands(measured: Measured, folder: Path) -> Part:
    """Name the command of each study, and the jets."""
    rows = [[name, str(found.attrs.get("command", made_by(name, folder)))] for name, found in measured.items()]
    files = dict.fromkeys(str(file) for found in measured.values() for file in found.attrs["jets"])
    rows += [["jets", ", ".join(files)], ["this page", command("report", folder)]]
    return Part("origin", "Each run's own folder holds its recipe, seed and versions.", table=Table(["", ""], rows))


def others(names: list[str], folder: Path) -> Part:
    """Name the command of each study that is not there."""
    rows = [
        [about.line, title, made_by(name, folder)]
        for title, studies in GROUPS.items()
        for name, about in studies.items()
        if name in names
    ]
    return Part("others", "", table=Table(["question", "of", "command"], rows))
