"""MOD HDF5 of the CMS Open Data (Komiske et al. 1908.08542; Zenodo 3340205): particles of all jets in one array.

``jets_i`` and ``jets_f`` hold a row a jet, ``pfcs`` (detector) and ``gens`` (generator) a row a particle, pt, y, phi, m
[GeV], and ``pfcs_index``, ``gens_index`` where the particles of each jet begin. Names of columns are attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted, padded
from jets.untrusted import checker

WHAT = "MOD HDF5 of CMS Open Data"
USES = ("labels", "collection")
PARTICLES = ("pfcs", "gens")
WEIGHT, EVENT = "weight", "evn"
ROWS = 10_000


def recognised(path: Path) -> bool:
    """Whether it holds whole numbers and floats of jets beside an index of particles."""
    if kind(path) != "hdf5":
        return False
    with checker.opened(path) as file:
        return {"jets_i", "jets_f"} <= set(file) and any(f"{name}_index" in file for name in PARTICLES)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; its particle-flow candidates, or its generated particles where it has no others.

    Raises
    ------
    JetFileError
        It has no such particles, or names no columns.
    """
    with checker.opened(path) as file:
        held = [name for name in PARTICLES if f"{name}_index" in file]
        names = {data: columns_of(path, file, data) for data in ("jets_i", "jets_f", *held)}
    chosen = wanted.collection or held[0]
    if chosen not in held:
        raise JetFileError(f"{path}: has no particles {chosen!r}; it has {', '.join(held)} (--collection)")
    lacking = {"pt", "y", "phi", "m"} - set(names[chosen])
    if lacking:
        raise JetFileError(f"{path}: {chosen} has no column {', '.join(sorted(lacking))}")
    stated = "gen_jet_pt" if chosen == "gens" and "gen_jet_pt" in names["jets_f"] else "jet_pt"
    assumed = (f"{chosen}: pt, rapidity, azimuth, mass, GeV, of all vertices; pT stated is {stated}, uncorrected",)
    return Reading(wanted.labels or (path.stem,), assumed, parts(path, chosen, names, stated))


def columns_of(path: Path, file: h5py.File, name: str) -> list[str]:
    """Return the names of the columns of an array, which are an attribute of it or of the file.

    Raises
    ------
    JetFileError
        Neither has them.
    """
    found = file[name].attrs.get("cols", file.attrs.get(f"{name}_cols"))
    if found is None:
        raise JetFileError(f"{path}: {name} does not say what its columns are (attribute cols)")
    return [column.decode() if isinstance(column, bytes) else str(column) for column in found]


def parts(path: Path, chosen: str, names: dict[str, list[str]], stated: str) -> Iterator[Particles]:
    """Yield the jets."""
    with checker.opened(path) as file:
        index = file[f"{chosen}_index"][:].astype(np.int64)
        if len(index) != len(file["jets_i"]) + 1:
            raise JetFileError(f"{path}: {chosen}_index is of {len(index) - 1} jets, jets_i of {len(file['jets_i'])}")
        if index[0] < 0 or (np.diff(index) < 0).any() or index[-1] > len(file[chosen]):
            raise JetFileError(f"{path}: {chosen}_index does not rise from 0 to the {len(file[chosen])} particles")
        for start in range(0, len(index) - 1, ROWS):
            ends = index[start : start + ROWS + 1]
            rows = file[chosen][ends[0] : ends[-1]].astype(np.float64)
            pt, y, phi, mass = (rows[:, names[chosen].index(x)] for x in ("pt", "y", "phi", "m"))
            own = {
                name: file[data][start : start + ROWS, i]
                for data in ("jets_i", "jets_f")
                for i, name in enumerate(names[data])
            }
            weights, events = own.pop(WEIGHT, None), own.pop(EVENT, None)
            p4 = padded(np.diff(ends), kinematics.of_rapidity(pt, y, phi, mass))
            yield Particles(p4, None, own, weights, events, own.get(stated))
