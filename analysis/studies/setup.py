"""What the studies share: jets, seeds, folders, and the trainings they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from inference import restarts
from inference.alone import alone
from inference.folder import RunFolder
from inference.machine import tune_cpu
from inference.recipe import Recipe, RecipeError, read
from inference.run import Run, RunError
from inference.scan import begin
from inference.training import as_begun, train_many, trained_starts
from jets import Jets, load
from jets.checks import say
from jets.notes import LOG

LABELS = {
    "ae": "AE",
    "vae": "VAE",
    "gmvae": "GMVAE",
    "gmvae-fixed": "fixed GMVAE",
    "dvae": "DVAE",
    "dvae-3": "DVAE, 3 mixtures",
    "dvae-3-exact": "DVAE, 3, exact Dirichlet",
}
"""Model -> its name in figures."""

IN_SECONDS = {"training.compile": False}
"""Change of recipes that train for seconds: compiling takes longer."""


@dataclass(frozen=True)
class Setup:
    """The jets and the extent of a study.

    Attributes
    ----------
    folder
        Where runs and results go; studies in one folder share their trainings.
    files
        Background-like class, signal-like class and, for some studies, a third one.
    seeds
        Seeds of every training, by default the study's own number.
    changes
        Overrides of every recipe, ``{"training.epochs": 3}``.
    most
        Held-out jets of each class that are scored.
    dask
        Address of the scheduler of the dask cluster that trains the seeds, "" for one of this machine's cores; None:
        they are trained here, in one step.
    """

    folder: Path
    files: tuple[str, ...] = ("sample:qcd", "sample:top", "sample:w")
    seeds: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    most: int = 1500
    dask: str | None = None

    @cached_property
    def jets(self) -> Jets:
        """The jets that are trained on: those of the first two files, one class each.

        Raises
        ------
        RecipeError
            They are not.
        """
        found = load(*self.files[:2])
        if len(found.classes) != 2:
            raise RecipeError(f"--jets: the first two files must hold one class each, they hold {found.counts}")
        if found.are_vectors:
            given = " ".join(self.files[:2])
            raise RecipeError(f"--jets: this study needs jets with constituents, {given} are vectors")
        if found.weights is not None:
            say("event weights count in the losses of studies; their AUCs and shares count each jet once")
        return found

    @cached_property
    def others(self) -> Jets:
        """The jets of further files."""
        return load(*self.files[2:])

    @property
    def classes(self) -> tuple[str, str]:
        """Names of the two classes that are trained on."""
        first, second = self.jets.classes
        return first, second

    def recipe(self, name: str, seed: int, changes: Mapping[str, Any]) -> Recipe:
        """Return a recipe on these jets, or on the ``data.files`` of ``changes``; the user's have the last word."""
        mine = {"data.files": self.files[:2], "training.seed": seed}
        return read(name, {**mine, **changes, **self.changes})

    def folders(self, case: str, seeds: int) -> list[Path]:
        """Return the run folders of a case, one for each seed."""
        return [self.folder / "runs" / case / f"seed{seed}" for seed in range(self.seeds or seeds)]

    def best(self, case: str, name: str, changes: Mapping[str, Any], seeds: int = 5, restarts: int = 3) -> list[Run]:
        """Return one run for each seed: of several trainings the one with the best bound on its training jets.

        Or, with ``training.restarts_by`` among the changes, by another rule that uses no label.
        """
        return self.train(case, name, {"training.restarts": restarts, **changes}, seeds)

    def train(self, case: str, name: str, changes: Mapping[str, Any], seeds: int = 5) -> list[Run]:
        """Return the runs of recipe ``name`` with ``changes``, one for each seed, trained in one step or on a cluster.

        What is there is kept, what is unfinished is continued.

        Raises
        ------
        RunError
            The folder holds runs of another recipe.
        """
        tune_cpu()
        own = None if "data.files" in changes else self.jets
        recipes = {folder: self.recipe(name, i, changes) for i, folder in enumerate(self.folders(case, seeds))}
        begun = {folder: recipe for folder, recipe in recipes.items() if (folder / "config.toml").exists()}
        for folder, recipe in begun.items():
            assert_same(Run.open(folder), as_begun(recipe, folder))
        unfinished = {folder: recipe for folder, recipe in begun.items() if not Run.open(folder).complete}
        fresh = {folder: recipe for folder, recipe in recipes.items() if folder not in begun}
        if (unfinished or fresh) and self.dask is not None:
            LOG.info("%s: %d seeds of %s", case, len(unfinished) + len(fresh), name)
            train_on_dask(fresh, self.folder / "runs" / case, self.dask)
            return [Run.open(folder, own) for folder in recipes]
        for group, resume in ((unfinished, True), (fresh, False)):
            if group:
                LOG.info("%s: %d seeds of %s", case, len(group), name)
                train_many(list(group.values()), list(group), resume=resume)
        return [Run.open(folder, own) for folder in recipes]

    def starts(self, case: str, name: str, changes: Mapping[str, Any], starts: int) -> list[Run]:
        """Return all trainings of recipe ``name`` with ``changes`` from several starts, of one split; none is chosen.

        They train in one vectorised step, as those of ``--restarts`` do. One that failed is there, but not complete.

        Raises
        ------
        RunError
            The folder holds runs of another recipe.
        """
        tune_cpu()
        path = self.folder / "runs" / case
        recipe = self.recipe(name, 0, {"training.restarts": self.seeds or starts, **changes})
        resume = (path / "config.toml").exists()
        if resume:
            assert_same(Run.open(path), as_begun(recipe, path))
        parts = restarts.parts_of(RunFolder(path), recipe)
        if not all((part / "config.toml").exists() and Run.open(part).complete for part in parts):
            LOG.info("%s: %d starts of %s", case, len(parts), name)
            with alone([path]):
                trained_starts(recipe, path, resume=resume)
        return [Run.open(part, self.jets) for part in parts]


def train_on_dask(fresh: Mapping[Path, Recipe], folder: Path, address: str) -> None:
    """Begin runs, and have all that are unfinished in a folder trained on a dask cluster, each by itself.

    Raises
    ------
    RunError
        Trainings failed; it names them.
    """
    from inference.cluster import distribute

    begin(fresh)
    worked = distribute(folder, address, trust=True)
    if worked.failed:
        raise RunError(f"{len(worked.failed)} trainings failed: {'; '.join(worked.failed.values())}")


def assert_same(run: Run, recipe: Recipe) -> None:
    """Assert that a run was made from this recipe.

    Raises
    ------
    RunError
        It was not.
    """
    if run.recipe != recipe:
        raise RunError(
            f"{run.path}: trained with other settings; choose another --out, or the settings it was made with"
        )
