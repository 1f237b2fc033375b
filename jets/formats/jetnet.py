"""JetNet (Zenodo 6975118): the 30 or 150 hardest particles relative to their jet, its pT, eta and mass [GeV]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.formats import kinematics
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted
from jets.untrusted import checker

WHAT = "JetNet (HDF5)"
USES = ("labels",)
PARTICLES, JETS = "particle_features", "jet_features"
ROWS = 20_000


def recognised(path: Path) -> bool:
    """Whether it holds features of particles and of jets."""
    if kind(path) != "hdf5":
        return False
    with checker.opened(path) as file:
        return {PARTICLES, JETS} <= set(file)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; the class is its name (g, q, t, w, z)."""
    assumed = (
        "columns eta_rel, phi_rel, pt_rel (share of the jet's pT), mask; massless; only the hardest particles, so "
        "shares need not sum to 1",
    )
    return Reading(wanted.labels or (path.stem,), assumed, parts(path))


def parts(path: Path) -> Iterator[Particles]:
    """Yield the jets; azimuths are about zero, since the file has none."""
    with checker.opened(path) as file:
        for start in range(0, len(file[PARTICLES]), ROWS):
            features = file[PARTICLES][start : start + ROWS].astype(np.float64)
            jets = file[JETS][start : start + ROWS].astype(np.float64)
            eta, phi, share = np.moveaxis(features[..., :3], -1, 0)
            present = features[..., 3] > 0.5 if features.shape[-1] > 3 else share > 0
            pt = np.where(present, share, 0.0) * jets[:, :1]
            p4 = kinematics.of_pseudorapidity(
                pt, np.where(present, eta + jets[:, 1:2], 0.0), np.where(present, phi, 0.0)
            )
            p4[~present] = 0
            own = {"jet_pt": jets[:, 0], "jet_eta": jets[:, 1], "jet_mass": jets[:, 2]}
            yield Particles(p4, None, own, stated=jets[:, 0])
