"""LHC Olympics 2020 (Zenodo 6466204): events of 700 massless, unsorted (pT, eta, phi), pandas' ``df`` [GeV]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.clustering import clustered
from jets.formats.containers import kind, needed
from jets.formats.particles import Particles, Reading, Wanted
from jets.untrusted import checker

WHAT = "LHC Olympics 2020 (pandas fixed)"
USES = ("labels", "radius", "jets")
VALUES, COLUMNS = "df/block0_values", 2100
EVENTS = 1_000
CLASSES = ("background", "signal")


def recognised(path: Path) -> bool:
    """Whether there is such a table."""
    if kind(path) != "hdf5":
        return False
    with checker.opened(path) as file:
        found = file.get(VALUES)
        return isinstance(found, h5py.Dataset) and found.ndim == 2 and found.shape[1] in (COLUMNS, COLUMNS + 1)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; jets are anti-kT with R = 1, the leading one of each event. Black boxes have no label."""
    needed("hdf5plugin", path)
    with checker.opened(path) as file:
        labelled = file[VALUES].shape[1] > COLUMNS
    radius = wanted.radius or 1.0
    which = wanted.jets or "leading"
    assumed = (f"events of 700 massless (pt, eta, phi), GeV; anti-kT R = {radius:g}, {which} jets",)
    classes = wanted.labels or (CLASSES if labelled else (path.stem,))
    return Reading(classes, assumed, parts(path, radius, which, labelled=labelled))


def parts(path: Path, radius: float, which: str, *, labelled: bool) -> Iterator[Particles]:
    """Yield the jets of some events."""
    with checker.opened(path) as file:
        table = file[VALUES]
        for start in range(0, len(table), EVENTS):
            try:
                rows = table[start : start + EVENTS].astype(np.float64)
            except OSError as error:
                raise JetFileError(f"{path}: cannot be unpacked; pip install hdf5plugin ({error})") from error
            pt, eta, phi = np.moveaxis(rows[:, :COLUMNS].reshape(len(rows), -1, 3), -1, 0)
            p4 = np.where(~(pt <= 0)[..., None], kinematics.of_pseudorapidity(pt, eta, phi), 0.0)
            label = rows[:, COLUMNS].astype(np.int64) if labelled else None
            yield clustered(path, p4, radius, which, label, np.arange(start, start + len(rows)))
