"""Scans: a folder of independent runs, which ``scan.json`` lists; those of one latent space train in one step."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from inference.entry import announce
from inference.folder import CHECKPOINT, LARGEST, REPLICAS, RunError, RunFolder, assert_new, names_in
from inference.machine import tune_cpu
from inference.provenance import command_line
from inference.recipe import Recipe
from inference.records import MANIFEST, RESTARTS, read_json
from inference.replicas import plan
from inference.run import Run
from inference.sample import assert_enough, load_for, ready
from inference.training import none_left, train_many
from jets import Jets, sums
from jets.command import command
from jets.files import replacing
from jets.lock import locked
from jets.notes import LOG
from jets.out_of_core.sample import DiskJets
from jets.sums import SUMS, assert_intact

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
        return [Path(folder) / name for name in listed(path)]
    found = sorted(config.parent for config in Path(folder).glob("*/config.toml"))
    if not found:
        raise RunError(f"{folder}: no run there, nor a scan ({MANIFEST} is missing); train one: {command('train')}")
    return found


def listed(manifest: Path) -> list[Any]:
    """Return the folders that a manifest lists.

    Raises
    ------
    RunError
        It is not what a scan writes.
    """
    content = read_json(assert_intact(manifest, most=LARGEST))
    rows = content.get("runs") if isinstance(content, dict) else None
    rows = rows if isinstance(rows, list) else []
    found: list[Any] = [row.get("folder") for row in rows if isinstance(row, dict)]
    if not found or len(found) < len(rows) or not all(isinstance(name, str) and name.isprintable() for name in found):
        raise RunError(f"{manifest}: does not list the folders of runs; restore it, or remove it and give the runs")
    home = os.path.realpath(manifest.parent)
    for name in found:
        if os.path.commonpath([home, os.path.realpath(manifest.parent / str(name))]) != home:
            raise RunError(f"{manifest}: {name} lies outside {manifest.parent}; put a copy of it there")
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
    with locked(folder):
        clear(folder, recipes)
        assert_new(folder)
    first = next(iter(recipes.values()))
    jets = load_for(first)
    announce(jets, first)
    completed_recipes = dict(zip(recipes, ready([*recipes.values()], jets), strict=True))
    for recipe in completed_recipes.values():  # before a folder is made, so that an error leaves nothing
        assert_enough(recipe, jets)
    with locked(folder):
        assert_new(folder)
        write(folder, completed_recipes, jets)


def begin(recipes: Mapping[Path, Recipe]) -> None:
    """Make the folders of runs, folder -> recipe on the same jets, for others to train; nothing is trained."""
    if not recipes:
        return
    jets = load_for(next(iter(recipes.values())))
    completed = dict(zip(recipes, ready([*recipes.values()], jets), strict=True))
    for recipe in completed.values():
        assert_enough(recipe, jets)
    made: list[RunFolder] = []
    with none_left(made):
        for path, recipe in completed.items():
            made.append(RunFolder.create(path, recipe, jets))


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove what a process left that was killed while it made the folders of these runs, before the manifest."""
    expected = {folder / name / file for name in names for file in ("config.toml", "provenance.json")}
    found = {path for path in folder.rglob("*") if path.is_file() and path.name in names_in(path.parent)}
    if found and found <= expected:
        for top in {path.relative_to(folder).parts[0] for path in found}:
            shutil.rmtree(folder / top)


def write(folder: Path, recipes: Mapping[str, Recipe], jets: Jets | DiskJets) -> None:
    """Write the folders of all runs, and the manifest last; after an error nothing is left."""
    made: list[RunFolder] = []
    with none_left(made):
        for name, recipe in recipes.items():
            made.append(RunFolder.create(folder / name, recipe, jets))
        write_manifest(folder, recipes)


def write_manifest(folder: Path, recipes: Mapping[str, Recipe]) -> None:
    """Write the list of the runs."""
    rows = [
        {"folder": name, "latent": recipe.model.latent, "beta": recipe.model.beta.plain, "seed": recipe.training.seed}
        for name, recipe in recipes.items()
    ]
    with replacing(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps({"command": command_line(), "runs": rows}, indent=1) + "\n", encoding="utf-8")
    sums.write(folder, [MANIFEST])


def train(folder: str | Path, together: int = TOGETHER) -> list[Run]:
    """Train what is unfinished in a scan, at most ``together`` at a time, and return all of its runs.

    Raises
    ------
    RunError
        After the last training, when some failed: it names them. Where nothing was trained at all, nothing is left.
    """
    members = runs(folder)
    with locked(folder):
        try:
            finish(members, together)
        except Exception:
            discard(Path(folder), [run.path for run in members])
            raise
    return runs(folder)


def discard(folder: Path, members: Sequence[Path]) -> None:
    """Remove a scan of which no run has results: it would block the corrected command."""
    opened = [RunFolder(path) for path in members]
    if any(each.stored(CHECKPOINT).exists() or each.weights().exists() for each in opened):
        return
    if any((path / RESTARTS).exists() for path in members):
        return
    if not any(RunFolder(path).stored(REPLICAS).exists() for path in {folder, *(path.parent for path in members)}):
        for path in members:
            shutil.rmtree(path)
        for name in (MANIFEST, SUMS):
            (folder / name).unlink(missing_ok=True)
        for parent in sorted({path.parent for path in members} | {folder}, reverse=True):
            if parent.is_dir() and not names_in(parent):
                shutil.rmtree(parent)


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
        LOG.info("%s: %d runs in %s", recipes[0].model.latent, len(chunk), chunk[0].path.parent)
        try:
            train_many(recipes, [run.path for run in chunk], resume=True)
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError(f"{len(failures)} trainings failed: {'; '.join(failures)}")


def pending(members: Sequence[Run], together: int) -> Iterator[list[Run]]:
    """Yield the unfinished runs that can share a step, at most ``together`` at a time.

    They lie side by side, have trained equally long, have one range of resolutions if any, and equally many steps.
    """
    unfinished = [run for run in members if not run.complete]
    for _, alike in groupby(unfinished, key=shared):
        while chunk := list(islice(alike, together)):
            yield chunk


def shared(run: Run) -> tuple[object, ...]:
    """Return what runs of one step have in common; those of jets that stay on disk train by themselves."""
    beta = run.recipe.model.beta
    if run.recipe.data.memory is not None:
        return (run.path,)
    return run.path.parent, beta if beta.is_range else None, len(run.history), steps(run)


def steps(run: Run) -> tuple[int, int] | None:
    """Return the jets of a step and the steps of an epoch; None where the run does not say on what it trains."""
    try:
        return plan(sum(run.provenance["counts"]["train"].values()), run.recipe.training)
    except (OSError, RunError, LookupError):
        return None
