"""A run: the folder that a training leaves, and what can be read back from it."""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from inference.data import Split, split
from inference.history import History
from inference.recipe import Recipe, read
from jets import Jets, load
from jets.files import replacing
from models import VAE, build

REPLICAS = "replicas.pt"
"""Checkpoint of all replicas of one training, beside their folders: one file, so that none is ahead of the others."""
IN_MEMORY = "memory"
"""Stands for the source of jets that were not read from a file."""
PACKAGES = ("jetvae", "torch", "pyro-ppl", "numpy", "xarray", "arviz")


class RunError(ValueError):
    """A run folder cannot be used; the message names it and the remedy."""


@dataclass(frozen=True)
class Run:
    """A run folder.

    ========================  =============================================================
    ``config.toml``           the recipe, every default written out
    ``provenance.json``       command, versions, git hash, fingerprint of the data, device
    ``history.csv``           one row per epoch: losses in nats per jet, KL per coordinate, controls, speed
    ``history.nc``            the same, and one row per step
    ``checkpoint.pt``         weights, optimiser, RNG and history, to resume (of replicas: ``../replicas.pt``)
    ``weights.pt``            the trained ``state_dict``; present when training is complete
    ========================  =============================================================
    """

    path: Path

    @classmethod
    def create(cls, path: str | Path, recipe: Recipe, jets: Jets) -> Run:
        """Make the folder and record what will be done.

        Raises
        ------
        RunError
            The folder exists and is not empty.
        """
        run = cls(Path(path))
        if run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
            raise RunError(f"{path}: already exists; choose another --out, or continue that run with --resume")
        run.path.mkdir(parents=True, exist_ok=True)
        run.write_text("config.toml", recipe.to_toml())
        run.write_text("provenance.json", json.dumps(provenance(recipe, jets), indent=2) + "\n")
        return run

    def discard(self) -> None:
        """Remove the folder of a training that could not begin; one with results stays."""
        if {path.name for path in self.path.iterdir()} <= {"config.toml", "provenance.json"}:
            shutil.rmtree(self.path)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open an existing run folder.

        Raises
        ------
        RunError
            The folder is missing or holds no run.
        """
        run = cls(Path(path))
        if not (run.path / "config.toml").is_file():
            raise RunError(f"{path}: no run there (config.toml is missing); train one with python -m inference.svi")
        return run

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return read(self.path / "config.toml")

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the run came from."""
        return json.loads((self.path / "provenance.json").read_text())

    @property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch; a torn last row is left out."""
        path = self.path / "history.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if all(row.values())]
        return [{key: float(value) for key, value in row.items()} for row in rows]

    @property
    def complete(self) -> bool:
        """Whether training came to its end."""
        training = self.recipe.training
        done = len(self.history) >= training.epochs or training.early_stop > 0
        return (self.path / "weights.pt").exists() and done

    def jets(self) -> Jets:
        """Load the run's data.

        Raises
        ------
        RunError
            The data have changed since training.
        """
        if IN_MEMORY in self.recipe.data.files:
            raise RunError(f"{self.path}: trained on jets in memory; pass them: analysis.evaluate(run, jets)")
        jets = load(*self.recipe.data.files)
        if jets.fingerprint != self.provenance["data_fingerprint"]:
            raise RunError(f"{self.path}: {', '.join(jets.sources)} changed since this run was trained; restore them")
        return jets

    def split(self, jets: Jets) -> Split:
        """Return the split that the run was trained with."""
        return split(jets, self.recipe.data, self.recipe.training.seed)

    def vae(self, device: torch.device | str = "cpu") -> VAE:
        """Return the trained model, in evaluation mode; of an unfinished run, that of its last checkpoint.

        Raises
        ------
        RunError
            No weights were saved yet.
        """
        recipe = self.recipe
        vae = build(recipe.model, recipe.image.pixels**2)
        if self.complete:
            state = torch.load(self.path / "weights.pt", map_location=device, weights_only=True)
        elif (checkpoint := self.checkpoint(device)) is not None:
            state = checkpoint["model"]
        else:
            raise RunError(f"{self.path}: no weights yet; train on with --resume")
        vae.load_state_dict(state)
        return vae.to(device).eval()

    def checkpoint(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """Return the last checkpoint, or None; that of a replica is in the one file of all replicas."""
        path, together = self.path / "checkpoint.pt", self.path.parent / REPLICAS
        if path.exists():
            return torch.load(path, map_location=device, weights_only=True)
        if together.exists():
            return torch.load(together, map_location=device, weights_only=True).get(self.path.name)
        return None

    def save(self, name: str, content: Any) -> Path:
        """Save tensors under ``name``, atomically."""
        with replacing(self.path / name) as temporary:
            torch.save(content, temporary)
        return self.path / name

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file, atomically."""
        with replacing(self.path / name) as temporary:
            temporary.write_text(text)
        return self.path / name

    def continued(self, recipe: Recipe, jets: Jets) -> Run:
        """Record that the run goes on with ``recipe``, which may train longer.

        Raises
        ------
        RunError
            The data have changed since the run began.
        """
        if jets.fingerprint != self.provenance["data_fingerprint"]:
            raise RunError(f"{self.path}: the data changed since this run began; restore {', '.join(jets.sources)}")
        for leftover in self.path.glob(".*.tmp"):  # of a training that was killed while it wrote
            leftover.unlink()
        self.write_text("config.toml", recipe.to_toml())
        return self

    def write_history(self, history: History) -> None:
        """Write ``history.csv`` and ``history.nc``, each atomically."""
        with replacing(self.path / "history.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, history.epochs[0])
            writer.writeheader()
            writer.writerows(history.epochs)
        history.save(self.path / "history.nc")


def provenance(recipe: Recipe, jets: Jets) -> dict[str, Any]:
    """Return seed, versions, git hash, data fingerprint, counts, machine and command."""
    parts = split(jets, recipe.data, recipe.training.seed)
    return {
        "command": command_line(),
        "seed": recipe.training.seed,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_hash(),
        "data": list(jets.sources),
        "data_fingerprint": jets.fingerprint,
        "classes": list(jets.classes),
        "counts": {name: jets[getattr(parts, name)].counts for name in ("train", "validation", "test")},
        "versions": {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def command_line() -> str:
    """Return how this process was started."""
    return " ".join([Path(sys.executable).name, *sys.orig_argv[1:]])


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_hash() -> str | None:
    """Return the commit of the checkout that this code runs from, marked when it has changes; None elsewhere."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        tracked = subprocess.run(
            [*command[:3], "ls-files", "--error-unmatch", __file__], capture_output=True, check=False
        )
        if tracked.returncode:
            return None
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
