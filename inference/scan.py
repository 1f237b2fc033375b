"""Scans: a folder of independent runs, which ``scan.json`` lists; those of one latent space train in one step."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path

from inference.data import completed
from inference.folder import RunError, RunFolder, assert_new
from inference.machine import tune_cpu
from inference.provenance import command_line
from inference.recipe import Recipe
from inference.run import Run
from inference.training import load_for, train_many
from jets.command import command
from jets.files import replacing

MANIFEST = "scan.json"
"""The file that lists the runs of a scan: folder, latent space, beta, seed."""
TOGETHER = 16
"""Runs in one vectorised step; more gain no speed and cost memory."""


def folders(folder: str | Path) -> list[Path]:
    """Return the run folders of a scan in the order of its manifest, or those in a folder without one.

    Raises
    ------
    RunError
        There are none in ``folder``.
    """
    path = Path(folder) / MANIFEST
    if path.is_file():
        return [Path(folder) / row["folder"] for row in json.loads(path.read_text())["runs"]]
    found = sorted(config.parent for config in Path(folder).glob("*/config.toml"))
    if not found:
        raise RunError(f"{folder}: no run there, nor a scan ({MANIFEST} is missing); train one: {command('train')}")
    return found


def runs(folder: str | Path) -> list[Run]:
    """Open the runs of a scan, finished or not, in the order of its manifest; of a folder of runs, all.

    Raises
    ------
    RunError
        There are none in ``folder``, or one that the manifest lists is missing.
    """
    return [Run.open(path) for path in folders(folder)]


def create(folder: str | Path, recipes: Mapping[str, Recipe]) -> None:
    """Make the folders of all runs, ``name -> recipe`` below ``folder``, and the manifest; nothing is trained.

    Raises
    ------
    RunError
        The folder exists and is not empty.
    """
    folder = Path(folder)
    assert_new(folder)
    jets = load_for(next(iter(recipes.values())))
    for name, recipe in recipes.items():
        RunFolder.create(folder / name, completed(recipe, jets), jets)
    rows = [
        {"folder": name, "latent": recipe.model.latent, "beta": recipe.model.beta.plain, "seed": recipe.training.seed}
        for name, recipe in recipes.items()
    ]
    with replacing(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps({"command": command_line(), "runs": rows}, indent=1) + "\n")


def train(folder: str | Path, together: int = TOGETHER) -> list[Run]:
    """Train what is unfinished in a scan, at most ``together`` at a time, and return all of its runs.

    Raises
    ------
    RunError
        After the last training, when some failed: it names them.
    """
    finish(runs(folder), together)
    return runs(folder)


def finish(members: Sequence[Run], together: int = TOGETHER) -> None:
    """Train the unfinished runs among ``members``; one that fails does not stop the others.

    Raises
    ------
    RunError
        After the last training, when some failed: it names them.
    """
    failures = []
    for chunk in pending(members, together):
        recipes = [run.recipe for run in chunk]
        tune_cpu(recipes[0].training.threads)
        print(f"{recipes[0].model.latent}: {len(chunk)} runs in {chunk[0].path.parent}", file=sys.stderr)
        try:
            train_many(recipes, [run.path for run in chunk], resume=True)
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError(f"{len(failures)} trainings failed: {'; '.join(failures)}")


def pending(members: Sequence[Run], together: int) -> Iterator[list[Run]]:
    """Yield the unfinished runs that can share a step, at most ``together`` at a time.

    They lie side by side, have trained equally long, and have one range of resolutions if any.
    """
    unfinished = [run for run in members if not run.complete]
    for _, alike in groupby(unfinished, key=shared):
        while chunk := list(islice(alike, together)):
            yield chunk


def shared(run: Run) -> tuple[object, ...]:
    """Return what runs of one step have in common."""
    beta = run.recipe.model.beta
    return run.path.parent, beta if beta.is_range else None, len(run.history)
