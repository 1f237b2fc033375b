"""What the training jets of a run decide of its scores: found once, and kept in the run's folder."""

from __future__ import annotations

import contextlib
import json

import torch

from analysis.evaluation.jet_scores import orientation as found_by
from analysis.measures.orientation import Orientation
from inference.folder import LARGEST, RunFolder
from inference.run import Run
from jets.lock import locked
from jets.sums import assert_intact

KEPT = "orientation.json"
"""File in a run's folder: digest of the run, and resolution -> orientation."""


def orientation(run: Run, beta: float | None = None) -> Orientation:
    """Return the orientation of a run's scores at a resolution; from its folder where it is of this recipe and weights.

    Raises
    ------
    RunError
        It is not kept, and the training jets cannot be read.
    """
    at = f"{run.recipe.model.beta.typical if beta is None else beta:.6g}"
    known = of_run(run)
    if at in known:
        return known[at]
    with run.at(beta) as vae:
        torch.manual_seed(0)
        found = found_by(vae, run.recipe, run.jets)
    with contextlib.suppress(OSError), locked(run.path, name=f".{KEPT}.lock", wait=True):
        write(run, of_run(run) | {at: found})
    return found


def of_run(run: Run) -> dict[str, Orientation]:
    """Return resolution -> what is kept; nothing where it is of other weights, or damaged."""
    try:
        content = json.loads(assert_intact(run.path / KEPT, most=LARGEST).read_text(encoding="utf-8"))
        if content["digest"] == run.digest:
            return {at: Orientation.from_json(json.dumps(each)) for at, each in content["orientations"].items()}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return {}


def write(run: Run, found: dict[str, Orientation]) -> None:
    """Keep orientations in the run's folder; a folder that cannot be written to is left as it is."""
    content = {"digest": run.digest, "orientations": {at: json.loads(each.to_json()) for at, each in found.items()}}
    with contextlib.suppress(OSError):
        RunFolder(run.path).write_text(KEPT, json.dumps(content, indent=1) + "\n")
