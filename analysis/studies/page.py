"""A page on the studies in a folder, measured or not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from analysis.report.inputs import KEPT, kept
from analysis.report.page import Page, Part, Section, Table
from analysis.studies import STUDIES
from jets.command import command

Measured = Mapping[str, xr.Dataset]


def holds_studies(folder: Path) -> bool:
    """Whether studies left their numbers there; a run's own figures may bear the same names."""
    return any((folder / f"{name}.nc").exists() for name in STUDIES) and not any((folder / f).exists() for f in KEPT)


def studies_page(folder: Path) -> Page:
    """Return a page with a section for each study, measured or not, and how to reproduce what is there."""
    found = {name: kept(folder / f"{name}.nc", made_by(name, folder)) for name in STUDIES}
    measured = {name: tree.to_dataset() for name, tree in found.items() if isinstance(tree, xr.DataTree)}
    sections = [
        study.QUESTION.answered(measured[name])
        if name in measured
        else Section(name, study.QUESTION.question, [Part(name, "", missing=str(found[name]))])
        for name, study in STUDIES.items()
    ]
    sections.append(Section("reproduction", "How to reproduce it?", [commands(measured, folder)]))
    known = sum(not section.parts[0].missing for section in sections) - 1
    return Page("Latent spaces of jet images", f"{folder}: {known} of {len(STUDIES)} studies of 2104.08291", sections)


def made_by(name: str, folder: Path) -> str:
    """Return the command that makes a study."""
    return command("study", name, "--out", folder)


def commands(measured: Measured, folder: Path) -> Part:
    """Name the command of each study, and the jets."""
    rows = [[name, str(found.attrs.get("command", made_by(name, folder)))] for name, found in measured.items()]
    files = dict.fromkeys(str(file) for found in measured.values() for file in found.attrs["jets"])
    rows += [["jets", ", ".join(files)], ["this page", command("report", folder)]]
    return Part("origin", "Each run's own folder holds its recipe, seed and versions.", table=Table(["", ""], rows))
