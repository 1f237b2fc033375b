"""Arrays of numpy's files: what their headers declare is held against the file before any of it is read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jets.errors import JetFileError, legible
from jets.untrusted.hdf5_walk import PACKED, SMALL
from jets.untrusted.room import assert_room

NUMBERS = "fiub"
"""Kinds of the types of real numbers."""
READS = {(1, 0): np.lib.format.read_array_header_1_0} | dict.fromkeys(
    [(2, 0), (3, 0)], np.lib.format.read_array_header_2_0
)
"""Version of the format -> what reads its header; 3.0 differs from 2.0 in the names of fields alone."""


class Header(NamedTuple):
    """Shape, order and type of an array, and where it begins [bytes]."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    start: int

    @property
    def size(self) -> int:
        """Bytes of the array and of what is in front of it."""
        size = self.dtype.itemsize
        for side in self.shape:
            size *= side
        return self.start + size


def header(file: Any, name: str) -> Header:
    """Read the header of an array of real numbers.

    Raises
    ------
    JetFileError
        It is damaged, or of something else; the message starts with ``name``.
    """
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran, dtype = READS[version](file)
    except Exception as error:  # numpy reads headers by Python's own parser
        raise JetFileError(
            f"{name}: not an array of numbers, expected finite numbers (N, K), or particles of jets ({error!r:.200}); "
            "save it again with numpy.save"
        ) from error
    if dtype.kind not in NUMBERS:
        raise JetFileError(f"{name} is of type {dtype}; expected real numbers")
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise JetFileError(f"{name} says it has shape {shape}; write it again")
    return Header(shape, fortran, dtype, file.tell())


def mapped(path: str | Path) -> NDArray:
    """Return the array of a file without reading it.

    Raises
    ------
    JetFileError
        It is damaged, or holds something else than real numbers.
    """
    with open(path, "rb") as file:
        held = header(file, str(path))
        there = file.seek(0, 2)
    if held.size != there:
        raise JetFileError(
            f"{path}: not an array of numbers of the shape {held.shape} that it states: that takes {held.size} bytes, "
            f"it has {there}; get it again, or save it again with numpy.save"
        )
    order: Literal["F", "C"] = "F" if held.fortran else "C"
    if there == held.start:  # nothing to be mapped
        return np.empty(held.shape, held.dtype, order)
    with legible(path):
        return np.memmap(path, held.dtype, "r", held.start, held.shape, order)


def headers(path: Path) -> dict[str, Header]:
    """Return the headers of the arrays in an npz by name.

    Raises
    ------
    JetFileError
        It is damaged, or an array is not as large as it says.
    """
    found: dict[str, Header] = {}
    with legible(path), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with archive.open(info) as file:
                held = header(file, f"{path}: {name}")
            if held.size != info.file_size or held.size > max(SMALL, PACKED * info.compress_size):
                raise JetFileError(
                    f"{path}: {name} says it has shape {held.shape}, but {info.compress_size} bytes of it are stored; "
                    "write it again"
                )
            if name in found:
                raise JetFileError(f"{path}: {name} is there twice; write it again")
            found[name] = held
    return found


def array(path: Path, name: str) -> NDArray:
    """Return an array of an npz, once its header is known to be right.

    Raises
    ------
    JetFileError
        It is damaged.
    """
    assert_room(headers(path)[name].size, f"{path}: {name}")
    with legible(path), np.load(path, allow_pickle=False) as file:
        return np.asarray(file[name])
