"""OmniLearned (2510.24066): ``data`` (N, M, 4 or more) = d eta, d phi, ln pT, ln E; ``pid`` labels; ``global`` jets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.checks import numbered
from jets.formats import kinematics
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted
from jets.untrusted import checker

WHAT = "OmniLearned (HDF5)"
USES = ("labels",)
ROWS = 20_000


def recognised(path: Path) -> bool:
    """Whether it holds data, pid and global."""
    if kind(path) != "hdf5":
        return False
    with checker.opened(path) as file:
        return {"data", "pid"} <= set(file) and getattr(file["data"], "ndim", 0) == 3


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; classes are the numbers in ``pid``."""
    with checker.opened(path) as file:
        last = int(np.max(file["pid"][:])) if len(file["pid"]) else 0
    assumed = ("columns d-eta, d-phi, ln pT, ln E [GeV] relative to the jet axis; padding is all zeros; massless",)
    return Reading(wanted.labels or numbered(last, str(path)), assumed, parts(path))


def parts(path: Path) -> Iterator[Particles]:
    """Yield the jets, about the axis."""
    with checker.opened(path) as file:
        for start in range(0, len(file["data"]), ROWS):
            features = file["data"][start : start + ROWS].astype(np.float64)
            present = (features[..., :4] != 0).any(-1)
            pt = np.where(present, np.exp(np.where(present, features[..., 2], 0.0)), 0.0)
            p4 = kinematics.of_pseudorapidity(pt, features[..., 0], features[..., 1])
            p4[~present] = 0
            label = file["pid"][start : start + ROWS].astype(np.int64)
            columns = {}
            if "global" in file:
                values = file["global"][start : start + ROWS]
                columns = {f"global_{i}": values[:, i] for i in range(values.shape[1])}
            yield Particles(p4, label.reshape(len(label)), columns)
