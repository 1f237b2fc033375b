"""Files that hold no constituents of jets: what they are, what is missing, and where to get it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import h5py

from jets.errors import JetFileError
from jets.formats.arrays import opened
from jets.formats.containers import kind, needed, text_head, tree
from jets.formats.particles import Wanted
from jets.formats.table import header
from jets.untrusted import checker
from jets.vectors import is_one_hot

WHAT = "files without constituents: said what is missing"
USES = ("labels", "columns", "radius", "jets", "collection")
CONSTITUENTS = "a VAE of jets needs their constituents: "


def recognised(path: Path) -> bool:
    """Whether it can be said what is missing."""
    return reason(path) is not None


def read(path: Path, wanted: Wanted) -> NoReturn:
    """Refuse a file.

    Raises
    ------
    JetFileError
        Always: what it is, and where constituents are.
    """
    raise JetFileError(f"{path}: {reason(path) or 'no file of jets'}")


def reason(path: Path) -> str | None:
    """Return what a file is and what is missing; None where that is not known."""
    return REASONS.get(kind(path), lambda _: None)(path)


def of_root(path: Path) -> str | None:
    """Return what is missing in a ROOT file."""
    file = needed("uproot", path).open(path)
    held = file.keys(cycle=False, recursive=False)
    if "CollectionTree" in held:
        return (
            f"an ATLAS xAOD (PHYSLITE); {CONSTITUENTS}they are links to particle-flow objects that PHYSLITE leaves "
            "out; write them in a job of your own"
        )
    for name in held:
        found = tree(path, name)
        branches = [branch.lower() for branch in found.keys()] if hasattr(found, "keys") else []  # noqa: SIM118
        if any("lund" in branch for branch in branches):
            return f"Lund planes ({name}); {CONSTITUENTS}give those that they were made of"
    what = ", ".join(held) or "nothing"
    return f"a ROOT file of {what} without particles of jets that are known; {CONSTITUENTS}part_px, ..."


def of_text(path: Path) -> str | None:
    """Return what is missing in a text."""
    head = text_head(path)
    if "<LesHouchesEvents" in head:
        return "LHE: partons of the hard process; shower and hadronise them (Pythia, Herwig) and give HepMC"
    if head.lstrip().startswith(("{", "[")):
        what = "Lund planes in JSON" if "kt" in head.lower() and "delta" in head.lower() else "JSON"
        return f"{what}; {CONSTITUENTS}write them as parquet, part_px, part_py, part_pz, part_energy a jet"
    return of_table(path)


def of_table(path: Path) -> str | None:
    """Return what is missing in a table that has names."""
    names = header(path)
    if not names:
        return None
    what = ", ".join(names[:6]) + ", ..." * (len(names) > 6)
    return f"a table of features ({what}); {CONSTITUENTS}give their pt, eta, phi"


def of_array(path: Path) -> str | None:
    """Return what is missing in arrays."""
    array = opened(path)
    if array is None:
        return "no arrays"
    shape = " x ".join(map(str, array.shape))
    if array.ndim == 1 or (array.ndim == 2 and is_one_hot(array)):
        return (
            f"an array {shape}: labels, no jets; give the particles, and labels beside as F_labels.npy of F_vectors.npy"
        )
    if array.ndim == 2:
        return f"an array {shape}: features, no constituents; vectors are read from .npy"
    return f"an array {shape}; expected particles (N, M, 3 or 4)"


def of_hdf5(path: Path) -> str | None:
    """Return what is missing in an HDF5 file of others; None of one that is meant to be ours."""
    with checker.opened(path) as file:
        for name, group in file.items():
            if isinstance(group, h5py.Group) and "pandas_type" in group.attrs:
                columns = first_names(group.get("axis0"))
                what = f" ({', '.join(columns)}, ...)" if columns else ""
                return f"a pandas table {name!r} of features{what}; {CONSTITUENTS}give a table of theirs"
        images = [name for name, data in file.items() if "image" in name.lower()]
    return f"images ({', '.join(images)}); {CONSTITUENTS}give those that they were made of" if images else None


def first_names(names: object) -> list[str]:
    """Return the first six of the names of a table's columns; an object that is no list of names has none."""
    first = names[:6] if isinstance(names, h5py.Dataset) and names.ndim == 1 else []
    return [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in first]


REASONS: dict[str, Callable[[Path], str | None]] = {
    "root": of_root,
    "text": of_text,
    "parquet": of_table,
    "npy": of_array,
    "npz": of_array,
    "hdf5": of_hdf5,
}
