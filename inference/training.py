"""Stochastic variational inference: train a VAE on jets and leave a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyro

from inference import restarts
from inference.alone import alone
from inference.completed import completed
from inference.entry import announce
from inference.folder import RunFolder, assert_new
from inference.given import recorded
from inference.machine import choose_device
from inference.recipe import DataConfig, ImageConfig, Recipe, RecipeError, check
from inference.records import RunError
from inference.run import IN_MEMORY, Run
from inference.sample import assert_enough, load_for, ready
from inference.trainer import Trainer
from inference.unused import assert_used
from jets import Jets
from jets.notes import LOG
from jets.out_of_core.sample import DiskJets
from models import VAE, build

TRAINED: WeakKeyDictionary[VAE, Path] = WeakKeyDictionary()
"""Model -> folder of the run that :func:`fit` trained it in last."""


def fit(
    vae: VAE,
    jets: Jets,
    *,
    out: str | Path | None = None,
    data: DataConfig | None = None,
    image: ImageConfig | None = None,
    **training: Any,
) -> Run:
    """Train ``vae`` on ``jets`` and return the run, which holds them.

    Training starts at the weights that the model has. ``initial_weights`` in the run's provenance says so, and, of a
    model that was fitted before, by which run.

    Parameters
    ----------
    vae
        A model made by :func:`models.build` or :func:`models.image_vae`; it is trained in place.
    jets
        Jets from :func:`jets.load`.
    out
        The run folder; by default ``runs/<latent>-<time>``.
    data, image
        Split and preprocessing; defaults as in a recipe.
    training
        Any key of :class:`inference.recipe.TrainingConfig`: ``epochs``, ``batch_size``, ``lr``, ``seed``, ...

    Raises
    ------
    RunError
        ``out`` exists, or the training failed: too many steps without a finite loss, weights that are not finite.
    Locked
        Another process trains in ``out``. Another thread of this process that trains is waited for.
    RecipeError
        The model has no config, or was made for other data, or an option is out of range, or has no
        effect.
    """
    if training.get("restarts", 1) != 1:
        raise RecipeError("fit starts at the weights that the model has: restarts need initial weights of their own")
    if data is not None and data.memory is not None:
        raise RecipeError("fit trains on jets in memory; leave memory out, or train a recipe that names files")
    if vae.config is None:
        raise RecipeError(
            "fit needs a model made by models.build or models.image_vae, so that the run can be read back"
        )
    files = {"files": jets.sources or (IN_MEMORY,)}
    tables = {"data": (data or DataConfig()).model_copy(update=files), "image": image or ImageConfig()}
    recipe = check(tables | {"model": vae.config, "training": training}, "fit")
    assert_used([recipe], vectors=jets.are_vectors)
    announce(jets, recipe)
    assert_enough(recipe, jets)
    path = Path(out or default_folder(str(vae.latent)))
    assert_new(path)
    with alone([path]):
        recipe = recorded(recipe, vae, jets)
        weights = f"of {TRAINED[vae]}, trained further" if vae in TRAINED else "of the model given to fit"
        folder = RunFolder.create(path, recipe, jets, weights)
        TRAINED[vae] = folder.path
        with none_left([folder]):
            Trainer([folder], [recipe], [vae], jets).train()
    return Run(folder.path, jets)


def train(recipe: Recipe, out: str | Path | None = None, *, name: str = "run", resume: bool = False) -> Run:
    """Train what ``recipe`` describes, from its files, and return the run; ``resume`` continues ``out``."""
    return train_many([recipe], [Path(out or default_folder(name))], resume=resume)[0]


def train_many(recipes: Sequence[Recipe], folders: Sequence[Path], *, resume: bool = False) -> list[Run]:
    """Train several recipes in one vectorised step; return the runs.

    The recipes may differ in seed, beta, learning rate and schedules. Each gets the numbers that it would get alone.

    Those with restarts train one after the other, all starts of one in one step.

    Raises
    ------
    RecipeError
        The recipes differ in something else.
    RunError
        A folder exists; or, with ``resume``, the data have changed; or the training failed.
    Locked
        Another process trains in one of the folders.
    DiskError
        A file cannot be written; the message says how to resume.
    """
    if not resume:
        for folder in folders:
            assert_new(folder)
    with alone(folders):
        if max(recipe.training.restarts for recipe in recipes) > 1:
            return train_best(recipes, folders, resume=resume)
        trainer = trainer_for(recipes, folders, resume=resume)
        with none_left([] if resume else trainer.folders):
            trainer.train()
    return [Run(folder.path) for folder in trainer.folders]


def train_best(recipes: Sequence[Recipe], folders: Sequence[Path], *, resume: bool) -> list[Run]:
    """Train each recipe from all of its starts and keep the best of each; return the runs.

    Raises
    ------
    RunError
        After the last, of those of which no start could be trained; else as :func:`train_many`.
    """
    failures = []
    for recipe, path in zip(recipes, folders, strict=True):
        try:
            best_of_starts(recipe, path, resume=resume)
        except RunError as error:
            failures.append(error)
    if failures:
        raise failures[0] if len(failures) == 1 else RunError("; ".join(map(str, failures)))
    return [Run(path) for path in folders]


def best_of_starts(recipe: Recipe, path: Path, *, resume: bool) -> None:
    """Train one recipe from all of its starts and keep the best; continue it if it is chosen; same errors."""
    if resume and restarts.is_chosen(RunFolder.open(path)):
        restarts.clear(RunFolder(path))
        return begun([recipe], [path], resume=True).train()
    restarts.keep_best(*trained_starts(recipe, path, resume=resume))


def trained_starts(recipe: Recipe, path: Path, *, resume: bool) -> tuple[RunFolder, list[Path], Jets]:
    """Train one recipe from all starts in one vectorised step; return its folder, those of the starts, and the jets.

    Raises
    ------
    RunError
        None could be trained; else as :func:`train_many`.
    """
    jets, made = load_for(recipe), list[RunFolder]()
    assert isinstance(jets, Jets), "a recipe with memory has no restarts"
    with none_left(made):
        if resume:
            folder, recipe = RunFolder.open(path), as_begun(recipe, path)
            folder.continued(recipe, jets)
        else:
            [recipe] = ready([recipe], jets)
            assert_enough(recipe, jets)
            made.append(folder := RunFolder.create(path, recipe, jets))
        parts = restarts.prepared(folder, recipe, jets)
        try:
            begun([recipe] * len(parts), parts, resume=True).train()
        except Exception as error:
            some_trained = isinstance(error, RunError) and restarts.any_trained(parts)
            if not restarts.have_results(parts):
                restarts.clear(folder)
            if not some_trained:
                raise
            LOG.warning("%s", error)
    return folder, parts, jets


def trainer_for(recipes: Sequence[Recipe], folders: Sequence[Path], *, resume: bool = False) -> Trainer:
    """Return what :func:`train_many` trains with, for those who look at the models on the way; same errors."""
    with alone(folders):
        return begun(recipes, folders, resume=resume)


def begun(recipes: Sequence[Recipe], folders: Sequence[Path], *, resume: bool) -> Trainer:
    """Return a trainer in folders that are this process' own."""
    jets = load_for(recipes[0])
    announce(jets, recipes[0])
    choose_device(recipes[0].training.device)
    vaes = []
    if resume:
        recipes = [as_begun(recipe, folder) for recipe, folder in zip(recipes, folders, strict=True)]
        recipes = [completed(recipe, jets) if isinstance(jets, DiskJets) else recipe for recipe in recipes]
        seeds = [restarts.seed_of(recipe, RunFolder(folder)) for recipe, folder in zip(recipes, folders, strict=True)]
    else:
        recipes = ready(recipes, jets)
        seeds = [recipe.training.seed for recipe in recipes]
    for recipe, seed in zip(recipes, seeds, strict=True):  # before a folder is made, so that an error leaves nothing
        assert_enough(recipe, jets)
        pyro.set_rng_seed(seed)
        vaes.append(build(recipe.model, recipe.image.pixels**2))
    pairs = zip(folders, recipes, strict=True)
    if resume:
        opened = [RunFolder.open(folder).continued(recipe, jets) for folder, recipe in pairs]
        return Trainer(opened, recipes, vaes, jets)
    opened = []
    with none_left(opened):
        for folder, recipe in pairs:
            opened.append(RunFolder.create(folder, recipe, jets))
        return Trainer(opened, recipes, vaes, jets)


def as_begun(recipe: Recipe, folder: Path) -> Recipe:
    """Return the recipe with what the data decided when the run in ``folder`` began."""
    begun = Run.open(folder).recipe.model
    decided = {key: getattr(begun, key) for key in ("inputs", "scale", "shift")}
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=decided)})


@contextmanager
def none_left(folders: Sequence[RunFolder]) -> Iterator[None]:
    """After an error, remove the folders that hold no results: they would block the corrected command."""
    try:
        yield
    except Exception:
        for folder in folders:
            folder.discard()
        raise


def default_folder(name: str) -> Path:
    """Return ``runs/<name>-<time>``."""
    safe = "".join(character if character.isalnum() or character in "-_.=," else "-" for character in name)
    return Path("runs") / f"{safe}-{datetime.now():%Y%m%d-%H%M%S}"
