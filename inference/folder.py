"""The files of a run: where they are, and how they are written so that each is whole or absent."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from inference.history import History
from inference.provenance import changed_keys, provenance
from inference.recipe import Recipe
from inference.records import RunError, read_history, read_provenance
from jets.command import command
from jets.files import replacing

if TYPE_CHECKING:
    from jets import Jets

CHECKPOINT = "checkpoint.pt"
"""Checkpoint of a run."""
CONTENT = ("model", "first", "second", "count", "rng", "epochs", "steps")
"""What a checkpoint holds at least."""
WEIGHTS = ("weights.pt", "weights.safetensors")
"""Names of the trained weights: of a training, and of a run that was exported or shared."""
REPLICAS = "replicas.pt"
"""Checkpoints of runs that train together, beside their folders: one file, so that none is ahead of the others."""
OF_THE_SEED = "of the seed"
"""Where initial weights come from, unless they were given."""
POSTMORTEM = "postmortem.pt"
"""The batch on which a training failed."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, as a training writes it; :class:`inference.run.Run` reads it.

    ========================  =============================================================
    ``config.toml``           the recipe, every default written out
    ``provenance.json``       command, versions, git hash, fingerprint of the data, device
    ``history.csv``           one row per epoch: losses in nats per jet, KL per coordinate, controls, speed
    ``history.nc``            the same, and one row per step
    ``checkpoint.pt``         weights, optimiser, RNG and history, to resume (while runs train together:
                              ``../replicas.pt``)
    ``weights.pt``            the trained ``state_dict``; present when training is complete; with ``early_stop`` that
                              of the epoch ``weights_epoch`` of the provenance, which ``best`` of the history names
    ========================  =============================================================

    Attributes
    ----------
    path
        The folder, which need not exist yet.
    """

    path: Path

    @classmethod
    def create(cls, path: str | Path, recipe: Recipe, jets: Jets, weights: str = OF_THE_SEED) -> RunFolder:
        """Make the folder and record what will be done, and where the initial ``weights`` come from.

        Raises
        ------
        RunError
            The folder exists and is not empty.
        """
        folder = cls(Path(path))
        assert_new(folder.path)
        folder.path.mkdir(parents=True, exist_ok=True)
        (folder.path / POSTMORTEM).unlink(missing_ok=True)
        folder.write_text("config.toml", recipe.to_toml())
        record = provenance(recipe, jets) | {"initial_weights": weights}
        folder.write_provenance(record)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return the folder of a run that has begun.

        Raises
        ------
        RunError
            The folder is missing or holds no run.
        """
        folder = cls(Path(path))
        if not (folder.path / "config.toml").is_file():
            raise RunError(f"{path}: no run there (config.toml is missing); train one: {command('train')}")
        return folder

    def continued(self, recipe: Recipe, jets: Jets) -> RunFolder:
        """Record that the run goes on with ``recipe``, which may train longer.

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
        self.write_text("config.toml", recipe.to_toml())
        return self

    def assert_unchanged(self, recipe: Recipe) -> None:
        """Assert that ``recipe`` is what the run was trained with, as far as it may not change.

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

    def weights(self) -> Path:
        """Return the file of the trained weights, or where a training will write them."""
        found = [self.path / name for name in WEIGHTS if (self.path / name).exists()]
        return found[0] if found else self.path / WEIGHTS[0]

    def epochs_done(self) -> int:
        """Return the number of epochs that history.csv records."""
        return len(read_history(self.path / "history.csv"))

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
        return read_provenance(self.path / "provenance.json")

    def write_provenance(self, record: Mapping[str, Any]) -> None:
        """Write where the run came from, atomically."""
        self.write_text("provenance.json", json.dumps(record, indent=2) + "\n")

    def checkpoint(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """Return the last checkpoint, its own or in the file of runs that train together; None where there is none.

        Raises
        ------
        RunError
            It cannot be read.
        """
        path, together = self.path / CHECKPOINT, self.path.parent / REPLICAS
        own = load_tensors(path, device, CONTENT) if path.exists() else None
        shared = load_tensors(together, device) if together.exists() else {}
        found = [content for content in (own, shared.get(self.path.name)) if content is not None]
        return max(found, key=lambda content: len(content["epochs"]), default=None)

    def save(self, name: str, content: Any) -> Path:
        """Save tensors under ``name``, atomically."""
        with replacing(self.path / name) as temporary:
            torch.save(content, temporary)
        return self.path / name

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
    """Return the names of what lies in a folder, killed writers' leftovers aside."""
    return {each.name for each in path.iterdir() if not each.match(".*.tmp")}


def load_tensors(path: Path, device: torch.device | str = "cpu", keys: Collection[str] = ()) -> dict[str, Any]:
    """Read what :meth:`RunFolder.save` wrote, which has these ``keys`` at least, or a file of safetensors.

    Raises
    ------
    RunError
        The file is torn, or holds something else.
    """
    if path.suffix == ".safetensors":
        return load_safetensors(path, device)
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except IsADirectoryError:
        raise
    except (
        OSError,
        RuntimeError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        pickle.UnpicklingError,
    ) as error:
        raise RunError(f"{path}: not a file of tensors, or torn; remove it to train anew") from error
    if not isinstance(content, dict) or not set(keys) <= set(content):
        raise RunError(f"{path}: not what a training writes; remove it to train anew")
    return content


def load_safetensors(path: Path, device: torch.device | str) -> dict[str, Tensor]:
    """Read a file of safetensors: name -> tensor.

    Raises
    ------
    RunError
        The file is torn, or the package is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise RunError(f"{path}: reading it needs safetensors; pip install 'jetvae[export]'") from error
    try:
        return load_file(path, device=str(device))
    except SafetensorError as error:
        raise RunError(f"{path}: not a file of safetensors, or torn; restore it") from error


def assert_finite(tensors: Mapping[str, Tensor], where: str | Path, remedy: str) -> None:
    """Assert that tensors, of any names and shapes, hold numbers only.

    Raises
    ------
    RunError
        One holds NaN or infinity; the message names the file or folder ``where``, the tensor, and the ``remedy``.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise RunError(
                f"{where}: {name} is of type {type(tensor).__name__}, not what a training writes; restore it"
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise RunError(f"{where}: {name} holds numbers that are not finite: trained on nothing; {remedy}")


def assert_new(path: Path) -> None:
    """Assert that nothing is lost by writing into ``path``.

    Raises
    ------
    RunError
        It exists and is not an empty folder.
    """
    if path.is_dir() and POSTMORTEM in names_in(path) <= {"config.toml", "provenance.json", POSTMORTEM}:
        return  # of a training that failed before its first checkpoint
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path}: already exists; choose another --out, or train on: {command('resume', path)}")
