"""Files of HDF5 that somebody edited: other types, shapes, attributes and links, in every layout that is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import jets

from .kinds import Kind
from .readers import MADE, maker, older, own
from .structured_hdf5 import hdf5_of

LAYOUTS: dict[str, Callable[[Path], Sequence[Path]]] = {"own": own, "older": older} | {
    name: maker(*made) for name, made in MADE.items() if made[1].endswith((".h5", ".hdf5"))
}
"""Name -> what makes sound files."""


def any_jets(path: Path) -> str:
    """Return the same for all jets: an edited file is another file, and may hold others."""
    found = jets.load(path)
    assert len(found) <= 200
    assert found.constituents.nbytes < 1e7
    assert all(name.isprintable() and "/" not in name for name in found.classes)
    return "jets"


KINDS = [Kind(f"{name}, edited", seeds, any_jets, hdf5_of) for name, seeds in LAYOUTS.items()]
