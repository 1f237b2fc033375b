"""Run one study: train what it needs, keep its numbers and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.report.export import save_figures
from analysis.report.page import Part
from analysis.store import save
from analysis.studies import study
from analysis.studies.setup import Setup
from inference.provenance import command_line


def run_study(
    name: str,
    folder: Path,
    files: Sequence[str] = Setup.files,
    seeds: int | None = None,
    changes: Mapping[str, Any] | None = None,
    most: int = Setup.most,
    dask: str | None = None,
) -> tuple[Path, Sequence[Part]]:
    """Run a study and return the file of its numbers, and the parts of its answer.

    Parameters
    ----------
    name
        Of :data:`analysis.studies.STUDIES`.
    folder
        Where trainings, numbers and figures go; finished trainings there are kept.
    files, seeds, changes, most, dask
        See :class:`analysis.studies.setup.Setup`.

    Raises
    ------
    RecipeError
        The study needs two classes, and the first two files do not hold one each.
    """
    setup, module = Setup(folder, tuple(files), seeds, changes or {}, most, dask), study(name)
    measured = module.measure(setup)
    known = {"jets": list(setup.files)} | measured.attrs
    measured.attrs |= known | {"study": name, "command": command_line()}
    path = save(measured, setup.folder / f"{name}.nc")
    parts = module.QUESTION.answered(measured).parts
    save_figures({part.name: part.figure for part in parts if part.figure is not None}, setup.folder)
    return path, parts
