"""EnergyFlow's quark and gluon jets (Zenodo 3164691): X ``(N, M, 4)``: pT, rapidity, azimuth, PDG id; y: 1 is quark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jets import npy
from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted

WHAT = "EnergyFlow's quark and gluon jets (npz)"
USES = ("labels",)
CLASSES = ("gluon", "quark")
ROWS = 10_000
MASSES = {
    11: 0.000510999, 13: 0.105658, 22: 0.0, 111: 0.134977, 211: 0.139570, 130: 0.497611, 310: 0.497611, 311: 0.497611,
    321: 0.493677, 2112: 0.939565, 2212: 0.938272, 3112: 1.197449, 3122: 1.115683, 3222: 1.18937, 3312: 1.32171,
    3322: 1.31486, 3334: 1.67245, 12: 0.0, 14: 0.0, 16: 0.0,
}  # fmt: skip
"""Absolute PDG id -> mass [GeV] (Particle Data Group, 2024)."""


def recognised(path: Path) -> bool:
    """Whether it holds X of four columns and y."""
    if kind(path) != "npz":
        return False
    held = npy.headers(path)
    return {"X", "y"} <= set(held) and len(held["X"].shape) == 3 and held["X"].shape[2] == 4


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; masses are those of the PDG ids."""
    assumed = ("columns pt [GeV], rapidity, azimuth, PDG id; masses by id; y: 0 gluon, 1 quark",)
    return Reading(wanted.labels or CLASSES, assumed, parts(path))


def parts(path: Path) -> Iterator[Particles]:
    """Yield the jets."""
    values, label = npy.array(path, "X"), npy.array(path, "y")
    if label.shape != values.shape[:1]:
        raise JetFileError(f"{path}: X holds {len(values)} jets and y has shape {label.shape}; expected a label each")
    for rows in range(0, len(values), ROWS):
        pt, y, phi, pdg = np.moveaxis(values[rows : rows + ROWS].astype(np.float64), -1, 0)
        p4 = np.where(~(pt <= 0)[..., None], kinematics.of_rapidity(pt, y, phi, masses(pdg)), 0.0)
        yield Particles(p4, label[rows : rows + ROWS].astype(np.int64))


def masses(pdg: NDArray) -> NDArray[np.float64]:
    """Return the mass [GeV] of each PDG id; zero of those that are not known.

    >>> masses(np.array([-211, 22, 2212]))
    array([0.13957 , 0.      , 0.938272])
    """
    ids = np.abs(np.asarray(pdg)).astype(np.int64)
    known = np.array(sorted(MASSES))
    place = np.searchsorted(known, ids).clip(max=len(known) - 1)
    return np.where(known[place] == ids, np.array([MASSES[i] for i in sorted(MASSES)])[place], 0.0)
