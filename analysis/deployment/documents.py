"""The files of a run that can be shared, none of which holds a program: recipe, weights, history, provenance."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from analysis.evaluation import odd_of_run
from inference.folder import TEXTS, WEIGHTS, RunError
from inference.run import Run
from inference.tensors import save
from jets.command import command
from jets.errors import UserError
from jets.sums import assert_intact

ORIENTATION = "orientation.json"
"""What the training jets decide of the scores; copied where it is there."""


def write_documents(run: Run, folder: Path) -> None:
    """Write recipe, provenance, history and weights of a complete run into ``folder``: a run folder itself.

    Also the orientation of the scores and the score ``odd``, where they are there.

    Raises
    ------
    RunError
        The training is not finished.
    """
    if not run.complete:
        raise RunError(f"{run.path}: its training is not finished; train on: {command('resume', run.path)}")
    for name in TEXTS:
        shutil.copyfile(assert_intact(run.path / name), folder / name)
    save({name: tensor.clone() for name, tensor in run.vae.state_dict().items()}, folder / WEIGHTS)
    write_orientation(run, folder)
    if odd_of_run.read(run) is not None:
        shutil.copyfile(run.path / odd_of_run.KEPT, folder / odd_of_run.KEPT)


def write_orientation(run: Run, folder: Path) -> None:
    """Copy the orientation of the scores, where it is of these weights: it names their digest, which is another now."""
    try:
        content = json.loads(assert_intact(run.path / ORIENTATION).read_text(encoding="utf-8"))
        current = content["digest"] == run.digest
    except (OSError, ValueError, LookupError, TypeError, RecursionError, UserError):
        return
    if current:
        content["digest"] = Run(folder).digest
        (folder / ORIENTATION).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
