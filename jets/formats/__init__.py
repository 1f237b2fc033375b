"""Other people's files of jets: a file a format, found by content, each read as four-momenta a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import numpy as np

from jets.dataset import Jets, concatenate
from jets.errors import JetFileError, legible
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted, jets_of
from jets.untrusted import checker
from jets.weights import weights

__all__ = [
    "AS_FOUND",
    "FORMATS",
    "Particles",
    "Reading",
    "Wanted",
    "assert_used",
    "format_of",
    "is_foreign",
    "jets_in",
    "jets_of",
    "reading_of",
    "whole",
]

FORMATS = (
    "top_reference",
    "lhc_olympics",
    "jetclass",
    "old_pfnano",
    "nanoaod",
    "delphes",
    "edm4hep",
    "hepmc",
    "energyflow",
    "mod",
    "jetnet",
    "omnilearned",
    "weaver",
    "arrays",
    "lists",
    "table",
    "refused",
)
"""Files of this folder: WHAT, ``recognised(path)``, ``read(path, wanted)`` and what of ``wanted`` it USES; the first to
know a file reads it."""


AS_FOUND = Wanted()


def known() -> dict[str, ModuleType]:
    """Return name -> reader: those of this folder, and what packages declare as entry points ``jetvae.formats``."""
    own = {name: import_module(f"jets.formats.{name}") for name in FORMATS}
    return own | {entry.name: entry.load() for entry in entry_points(group="jetvae.formats")}


def format_of(path: Path, wanted: str = "") -> tuple[str, ModuleType]:
    """Return name and reader of a file's format, by its content unless ``wanted`` names one.

    Raises
    ------
    JetFileError
        No such file or format, or none that fits.
    """
    if kind(path) in ("root", "parquet"):
        checker.assert_readable(path)
    readers = known()
    if wanted:
        if wanted not in readers:
            raise JetFileError(f"{path}: unknown format {wanted!r}; known are {', '.join(readers)}")
        return wanted, readers[wanted]
    with legible(path):
        found = next(((name, reader) for name, reader in readers.items() if reader.recognised(path)), None)
    if found is not None:
        return found
    raise JetFileError(f"{path}: no file of jets that is known ({', '.join(readers)}); see docs/data.md")


def is_foreign(path: Path) -> bool:
    """Whether a file is for these readers: not HDF5 with ``constituents``, nor something else that none recognises."""
    if kind(path) not in ("hdf5", "text"):
        return True
    with legible(path):
        if kind(path) == "hdf5" and holds_constituents(path):
            return False
        return any(reader.recognised(path) for reader in known().values())


def holds_constituents(path: Path) -> bool:
    """Whether an HDF5 file is of the format of :func:`jets.save`."""
    with checker.opened(path) as file:
        return "constituents" in set(file)


def reading_of(path: Path, wanted: Wanted = AS_FOUND) -> tuple[str, Reading]:
    """Return the name of a file's format, and the file opened: what was assumed, its jets a part at a time.

    Raises
    ------
    JetFileError
        It cannot be read as jets.
    """
    name, reader = format_of(path, wanted.format)
    assert_used(path, wanted, name, reader.USES)
    with legible(path), np.errstate(all="ignore"):
        reading = reader.read(path, wanted)
    return name, reading._replace(parts=guarded(path, reading.parts))


def assert_used(path: Path, wanted: Wanted, name: str, uses: tuple[str, ...] = ()) -> None:
    """Assert that nothing is said of a file that its format has no use for.

    Raises
    ------
    JetFileError
        Something is.
    """
    given = [field for field, value in vars(wanted).items() if value and field not in (*uses, "format")]
    if given:
        raise JetFileError(
            f"{path}: {', '.join(f'--{field}' for field in given)}: no use for it in {name}; leave it out"
        )


def guarded(path: Path, parts: Iterator[Particles]) -> Iterator[Particles]:
    """Yield the parts of a file; what a library says of a damaged one becomes an error that names it."""
    while True:
        with legible(path), np.errstate(all="ignore"):
            part = next(parts, None)
        if part is None:
            return
        yield part


def jets_in(path: str | Path, wanted: Wanted = AS_FOUND) -> Jets:
    """Return all jets of a file.

    Raises
    ------
    JetFileError
        It cannot be read as jets.
    """
    _, reading = reading_of(Path(path), wanted)
    parts = (jets_of(part, reading.classes, str(path))[0] for part in reading.parts)
    return whole([jets for jets in parts if jets is not None], str(path))


def whole(parts: Sequence[Jets], name: str) -> Jets:
    """Return the jets of all parts of a file.

    Raises
    ------
    JetFileError
        There are none, or their weights cancel.
    """
    if not parts:
        raise JetFileError(f"{name}: no jet that holds a particle")
    jets = concatenate(parts)
    weights(jets.weights, len(jets), name)
    return jets.with_(sources=(name,))
