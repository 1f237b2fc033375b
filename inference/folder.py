"""The files of a run: where they are, and how they are written so that each is whole or absent."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from inference import tensors
from inference.history import History
from inference.loaded import load_tensors
from inference.provenance import changed_keys, provenance
from inference.recipe import Recipe
from inference.records import RunError, read_history, read_provenance
from jets import sums
from jets.command import command
from jets.disk import made
from jets.files import replacing
from jets.lock import LOCK
from jets.sums import assert_intact, assert_listed

if TYPE_CHECKING:
    from jets import Jets
    from jets.out_of_core.sample import DiskJets

CHECKPOINT = "checkpoint.safetensors"
"""Checkpoint of a run."""
CONTENT = ("model", "first", "second", "count", "rng", "epochs", "steps")
"""What a checkpoint holds at least."""
WEIGHTS = "weights.safetensors"
"""The trained weights."""
REPLICAS = "replicas.safetensors"
"""Checkpoints of runs that train together, beside their folders: one file, so that none is ahead of the others."""
OF_THE_SEED = "of the seed"
"""Where initial weights come from, unless they were given."""
POSTMORTEM = "postmortem.safetensors"
"""The batch on which a training failed."""
POSTMORTEMS = {POSTMORTEM, "postmortem.pt"}
"""Its names, of today and of before."""
TEXTS = ("config.toml", "provenance.json", "history.csv")
"""What is read of every run."""
LARGEST = 64 << 20
"""Bytes of a recipe, or of a provenance."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, as a training writes it; :class:`inference.run.Run` reads it.

    ===========================  ==========================================================
    ``config.toml``              the recipe, every default written out
    ``provenance.json``          command, versions, git hash, fingerprint of the data, devices
    ``history.csv``              one row per epoch: losses in nats per jet, KL per coordinate, controls, speed
    ``history.nc``               the same, and one row per step
    ``checkpoint.safetensors``   weights, optimiser, RNG and history, to resume (while runs train together:
                                 ``../replicas.safetensors``)
    ``weights.safetensors``      the trained ``state_dict``; present when training is complete; with ``early_stop``
                                 that of the epoch ``weights_epoch`` of the provenance, which ``best`` of the history
                                 names
    ``SHA256SUMS``               checksums of these files and of results written there later; present when training is
                                 complete
    ===========================  ==========================================================

    Tensors of runs of before lie in files ``.pt``, which are read too.

    Attributes
    ----------
    path
        The folder, which need not exist yet.
    """

    path: Path

    @classmethod
    def create(cls, path: str | Path, recipe: Recipe, jets: Jets | DiskJets, weights: str = OF_THE_SEED) -> RunFolder:
        """Make the folder and record what will be done, and where the initial ``weights`` come from.

        Raises
        ------
        RunError
            The folder exists and is not empty.
        """
        folder = cls(Path(path))
        assert_new(folder.path)
        made(folder.path)
        try:
            for name in POSTMORTEMS:
                (folder.path / name).unlink(missing_ok=True)
            folder.write_provenance(provenance(recipe, jets) | {"initial_weights": weights})
            folder.write_text("config.toml", recipe.to_toml())  # with which the run begins: it can be resumed
        except Exception:
            folder.discard()
            raise
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return the folder of a run that has begun.

        Raises
        ------
        RunError
            The folder is missing or holds no run.
        DamagedError
            One of its texts is not what was written there.
        """
        folder = cls(Path(path))
        for name in TEXTS:
            assert_intact(folder.path / name, most=None if name == "history.csv" else LARGEST)
        if not (folder.path / "config.toml").is_file():
            raise RunError(f"{path}: no run there (config.toml is missing); train one: {command('train')}")
        assert_listed(folder.path, TEXTS)
        return folder

    def continued(self, recipe: Recipe, jets: Jets | DiskJets) -> RunFolder:
        """Record that the run continues with ``recipe``, which may train longer.

        Raises
        ------
        RunError
            The data or the recipe have changed since the run began, or it has trained longer already, or it began
            with weights that were not kept.
        """
        self.assert_continues(recipe)
        if jets.fingerprint != self.provenance()["data_fingerprint"]:
            raise RunError(f"{self.path}: the data changed since this run began; restore {', '.join(jets.sources)}")
        weights = self.provenance().get("initial_weights", OF_THE_SEED)
        if weights != OF_THE_SEED and self.checkpoint() is None:
            raise RunError(f"{self.path}: its initial weights, {weights}, are lost; call fit with them again")
        for leftover in self.path.glob(".*.tmp"):  # of a training that was killed while it wrote
            leftover.unlink()
        sums.remove(self.path)
        self.write_text("config.toml", recipe.to_toml())
        return self

    def assert_unchanged(self, recipe: Recipe) -> None:
        """Assert that ``recipe`` is what the run was trained with, but for what may change.

        A run of before digests were kept is believed.

        Raises
        ------
        RunError
            It is not; the message names the keys.
        """
        trained = self.provenance().get("recipe_digests")
        changed = [] if trained is None else changed_keys(trained, recipe)
        if changed:
            raise RunError(
                f"{self.path}: config.toml is not what this run was trained with: {', '.join(changed)} changed; "
                f"restore it, or train anew with another --out"
            )

    def assert_continues(self, recipe: Recipe) -> None:
        """Assert that ``recipe`` is what the run was trained with, and no shorter than what is done.

        Raises
        ------
        RunError
            It is not.
        """
        self.assert_unchanged(recipe)
        done = self.epochs_done()
        if recipe.training.epochs < done:
            raise RunError(
                f"{self.path}: has trained {done} epochs, more than training.epochs = {recipe.training.epochs}; "
                f"give at least {done}, or train anew with another --out"
            )

    def stored(self, name: str) -> Path:
        """Return a file of tensors: of this name, or of before, ``.pt``; the first where there is neither."""
        path = self.path / name
        before = path.with_suffix(".pt")
        return before if before.exists() and not path.exists() else path

    def weights(self) -> Path:
        """Return the file of the trained weights, or where a training will write them."""
        return self.stored(WEIGHTS)

    def without_weights(self) -> None:
        """Remove the weights of a training that went on: a checkpoint has them, and later ones."""
        for name in (WEIGHTS, "weights.pt"):
            (self.path / name).unlink(missing_ok=True)

    def epochs_done(self) -> int:
        """Return the number of epochs that history.csv records."""
        return len(read_history(assert_intact(self.path / "history.csv")))

    def discard(self) -> None:
        """Remove the folder of a training that could not begin; one with results stays."""
        if self.path.is_dir() and names_in(self.path) <= {"config.toml", "provenance.json", "tensorboard"}:
            shutil.rmtree(self.path)

    def provenance(self) -> dict[str, Any]:
        """Read where the run came from.

        Raises
        ------
        RunError
            It cannot be read.
        """
        return read_provenance(assert_intact(self.path / "provenance.json", most=LARGEST))

    def write_provenance(self, record: Mapping[str, Any]) -> None:
        """Write where the run came from, atomically."""
        self.write_text("provenance.json", json.dumps(record, indent=2) + "\n")

    def trains_on(self, device: str) -> None:
        """Record the device of the next epochs, unless the last ones were trained on the same."""
        record = self.provenance()
        devices = record.get("devices", [])
        if devices[-1:] != [device]:
            self.write_provenance(record | {"devices": [*devices, device]})

    def checkpoint(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """Return the last checkpoint, its own or in the file of runs that train together; None where there is none.

        Raises
        ------
        RunError
            It cannot be read.
        """
        path, together = self.stored(CHECKPOINT), RunFolder(self.path.parent).stored(REPLICAS)
        own = load_tensors(path, device, CONTENT) if path.exists() else None
        shared = load_tensors(together, device).get(self.path.name) if together.exists() else None
        for file, content in ((path, own), (together, shared)):
            whole = isinstance(content, dict) and set(CONTENT) <= set(content) and isinstance(content["epochs"], list)
            if content is not None and not whole:
                raise RunError(f"{file}: not what a training writes; restore it, or remove it to train anew")
        found = [content for content in (own, shared) if content is not None]
        return max(found, key=lambda content: len(content["epochs"]), default=None)

    def save(self, name: str, content: Mapping[str, Any]) -> Path:
        """Save tensors, and what JSON holds, under ``name``, atomically; that of before goes."""
        with replacing(self.path / name) as temporary:
            tensors.save(content, temporary)
        (self.path / name).with_suffix(".pt").unlink(missing_ok=True)
        return self.path / name

    def completed(self) -> None:
        """Write the checksums of what a training leaves."""
        sums.write(self.path, [*TEXTS, "history.nc", *(self.stored(name).name for name in (CHECKPOINT, WEIGHTS))])

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file, atomically."""
        with replacing(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return self.path / name

    def write_history(self, history: History) -> None:
        """Write ``history.csv`` and ``history.nc``, each atomically."""
        with (
            replacing(self.path / "history.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, history.epochs[0])
            writer.writeheader()
            writer.writerows(history.epochs)
        history.save(self.path / "history.nc")


def names_in(path: Path) -> set[str]:
    """Return the names of what lies in a folder, killed writers' leftovers and locks aside."""
    return {each.name for each in path.iterdir() if not (each.match(".*.tmp") or each.name.endswith(LOCK))}


def assert_new(path: Path) -> None:
    """Assert that nothing is lost by writing into ``path``.

    Raises
    ------
    RunError
        It exists and is not an empty folder.
    """
    there = names_in(path) - {"provenance.json"} if path.is_dir() else set()
    if there & POSTMORTEMS and there <= POSTMORTEMS | {"config.toml"}:
        return  # of a training that failed before its first checkpoint
    if there or (path.exists() and not path.is_dir()):
        raise RunError(f"{path}: already exists; choose another --out, or train on: {command('resume', path)}")
