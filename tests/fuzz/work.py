"""What a process leaves for the next: who works in a folder, half a matrix of distances, what is kept of a run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from analysis.answers import kept
from inference.run import Run
from jets.emd import pairwise
from jets.holder import Holder
from jets.lock import LOCK, locked

from .kinds import Kind
from .run_files import digest, trained
from .structured import json_of
from .structured_hdf5 import hdf5_of

INODE = 1234567890123
"""In place of the lock file's own, which is another each time it is written."""
IMAGES = ("vae-toy", "--data", "toy:circle(n=120)", "--latent", "D2")
"""What to train of which an orientation is found."""


def lock(folder: Path) -> Sequence[Path]:
    """Write the lock of a process that was killed."""
    path = folder / LOCK
    path.touch()
    path.write_text(json.dumps(asdict(Holder.own(INODE)) | {"pid": 2**22 + 1, "started": "1"}))
    return [path]


def worked(path: Path) -> str:
    """Return the same where the folder can be worked in; where another process may be at work, it is refused."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(content.replace(b"%d" % INODE, b"%d" % path.stat().st_ino))
    with locked(path.parent):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()
    path.write_bytes(content)
    return "worked"


def clouds() -> np.ndarray:
    """Return small clouds."""
    random = np.random.default_rng(0)
    found = random.normal(size=(6, 5, 3)).astype("f4")
    found[..., 0] = random.uniform(0.1, 1, size=(6, 5))
    return found


def matrix(folder: Path) -> Sequence[Path]:
    """Write a matrix of distances."""
    path = folder / "pairs.h5"
    pairwise(clouds(), file=path)
    return [path]


def matrix_of(path: Path) -> str:
    """Return the distances: those that are not there are found."""
    return digest(pairwise(clouds(), file=path))


def numbers(path: Path) -> str:
    """Return the size of the matrix: a number of it without a checksum is a number as any other."""
    return str(pairwise(clouds(), file=path).shape)


def orientation(folder: Path) -> Sequence[Path]:
    """Copy a run that keeps the orientation of its scores."""
    shutil.copytree(trained(*IMAGES), folder / "run")
    run = Run.open(folder / "run")
    kept.orientation(run)
    return [run.path / kept.KEPT]


def orientation_of(path: Path) -> str:
    """Return the orientation: one that is damaged is found again."""
    return kept.orientation(Run.open(path.parent)).to_json()


KINDS = (
    Kind("lock", lock, worked, json_of, weight=0.5),
    Kind("matrix", matrix, matrix_of, structure=numbers, weight=0.5),
    Kind("matrix, edited", matrix, matrix_of, hdf5_of, numbers, 0.5),
    Kind("orientation", orientation, orientation_of, json_of, weight=0.2),
)
"""Kinds of files between processes."""
