"""Has a training converged? Continue from its weights with networks twice as wide, and see what that gains."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyro

from inference.alone import alone
from inference.folder import RunFolder
from inference.recipe import Recipe
from inference.records import RunError
from inference.run import Run
from inference.schedules import Schedule
from inference.trainer import Trainer
from inference.training import none_left, train
from models.widened import wide, widened

FOLDER = "probe"
"""Of the probe, in that of its run."""
ABOVE = "of the run above,"
SHARE, SLOWER = 0.5, 3.0
"""Epochs of a probe in units of its run's, and how many times smaller the peak of its learning rate is."""


def probed(run: Run) -> Run:
    """Return the probe of a complete run: trained, continued, or as it lies in the folder ``probe`` of the run.

    It begins with the weights of the run in a model that is twice as wide and computes the same
    (:func:`models.widened.widened`), and trains on the same jets for half as many epochs, the learning rate one cycle
    with a third of the peak.

    Raises
    ------
    RunError
        The run is not complete; or as :func:`inference.training.train`.
    Locked
        Another process trains it.
    """
    if not run.complete:
        raise RunError(f"{run.path}: its training is not finished; a probe continues from its end")
    path = run.path / FOLDER
    if path.exists():
        found = kept(run)
        if found is not None:
            return found
        assert_probe(path)
        shutil.rmtree(path)
    recipe = recipe_of(run)
    with alone([path]):
        pyro.set_rng_seed(recipe.training.seed)
        vae = widened(run.vae, run.recipe.image.pixels**2)
        folder = RunFolder.create(path, recipe, run.jets, origin(run))
        with none_left([folder]):
            Trainer([folder], [recipe], [vae], run.jets).train()
    return Run(path, run.jets)


def origin(run: Run) -> str:
    """Return in words where a probe of a run begins; it names the run's recipe and weights."""
    return f"{ABOVE} {run.digest}, its networks twice as wide"


def recipe_of(run: Run) -> Recipe:
    """Return the recipe of a run's probe."""
    recipe = run.recipe
    epochs = max(1, round(SHARE * recipe.training.epochs))
    training = {"epochs": epochs, "lr": recipe.training.lr / SLOWER, "restarts": 1}
    return recipe.model_copy(
        update={
            "model": wide(recipe.model),
            "training": recipe.training.model_copy(update=training),
            "schedule": type(recipe.schedule)(lr=Schedule(shape="one-cycle")),
        }
    )


def kept(run: Run) -> Run | None:
    """Return the probe in the folder of a run, trained to its end; None where it is of other weights, or lost."""
    path = run.path / FOLDER
    try:
        folder = RunFolder.open(path)
        if folder.provenance().get("initial_weights") != origin(run):
            return None
        if Run(path).complete:
            return Run(path, run.jets)
        return train(Run(path).recipe, path, resume=True)
    except RunError:
        return None


def assert_probe(path: Path) -> None:
    """Assert that a folder which is to be removed is a probe, or what is left of one that had hardly begun.

    Raises
    ------
    RunError
        It holds something else.
    """
    known = (path / "provenance.json").is_file()
    weights = RunFolder(path).provenance().get("initial_weights") if known else None
    if any(path.iterdir()) and not str(weights).startswith(ABOVE):
        raise RunError(f"{path}: not a probe of the run above it; move it away")
