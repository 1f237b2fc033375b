"""Arrays of weaver: ``(N, 4, M)`` = px, py, pz, E feature first [GeV]; labels in a file beside, ``F:labels.npy``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets import npy
from jets.checks import numbered
from jets.errors import JetFileError
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted

WHAT = "weaver's arrays (npy)"
USES = ("labels",)
ROWS = 20_000
VECTORS, LABELS = "vectors", "labels"


def recognised(path: Path) -> bool:
    """Whether it is an array of four features first that close as px, py, pz, E."""
    if kind(path) != "npy":
        return False
    array = npy.mapped(path)
    return array.ndim == 3 and array.shape[1] == 4 and array.shape[2] > 4 and closes(np.asarray(array[:100]))


def closes(values: np.ndarray) -> bool:
    """Whether energies are at least momenta, to rounding, in features first ``(n, 4, M)``."""
    px, py, pz, energy = np.moveaxis(values.astype(np.float64), 1, 0)
    momentum = np.sqrt(px**2 + py**2 + pz**2)
    return bool((energy >= momentum * (1 - 1e-3) - 1e-3).all() and (energy > 0).any())


def read(path: Path, wanted: Wanted) -> Reading:
    """Open an array; labels are in the array of the same name with ``labels`` for ``vectors``, if there is one."""
    found, several = labels_beside(path)
    assumed = ["features px, py, pz, E first, GeV"]
    classes: tuple[str, ...] = (path.stem,)
    if found is not None:
        assumed.append(f"labels from {path.name.replace(VECTORS, LABELS)}: name them with --labels")
        classes = numbered(several - 1, str(path))
    return Reading(wanted.labels or classes, tuple(assumed), parts(path, found))


def labels_beside(path: Path) -> tuple[np.ndarray | None, int]:
    """Return the labels ``(N,)`` that lie beside an array, and how many classes there are."""
    name = path.name.replace(VECTORS, LABELS)
    beside = path.with_name(name)
    if name == path.name or not beside.is_file():
        return None, 1
    values = npy.mapped(beside)
    if values.ndim == 2:
        if (values.sum(1) != 1).any():
            raise JetFileError(f"{beside}: a jet of none or several of {values.shape[1]} classes")
        return values.argmax(1), values.shape[1]
    if values.ndim != 1 or not len(values) or values.min() < 0:
        raise JetFileError(f"{beside}: labels of shape {values.shape}; expected (N,) or (N, classes), from 0 on")
    return values.astype(np.int64), int(values.max()) + 1


def parts(path: Path, label: np.ndarray | None) -> Iterator[Particles]:
    """Yield the jets."""
    array = npy.mapped(path)
    if label is not None and len(label) != len(array):
        raise JetFileError(f"{path}: {len(array)} jets, and {len(label)} labels beside")
    for start in range(0, len(array), ROWS):
        p4 = np.moveaxis(np.asarray(array[start : start + ROWS], np.float64), 1, 2)
        yield Particles(p4, None if label is None else label[start : start + ROWS])
