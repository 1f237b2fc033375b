"""Any files of jets into one HDF5 file of our format, written some jets at a time as the readers yield them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from jets.dataset import GROUPS, Jets
from jets.errors import JetFileError
from jets.files import replacing
from jets.formats import AS_FOUND, Wanted
from jets.hdf5 import CONSTITUENTS, create_dataset
from jets.stream import SIZE, pieces
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

ROWS = 1024
"""Jets in a compressed piece of the file."""
PACKED = "lzf"
"""Compression that keeps pace with reading."""


class Left(NamedTuple):
    """Jets that were left out of a file, and why."""

    source: str
    jets: int
    reason: str


class Converted(NamedTuple):
    """What was written: the file, the number of jets of each class, and what was left out."""

    path: Path
    counts: dict[str, int]
    left_out: list[Left]


def convert(sources: Sequence[str], out: str | Path, wanted: Wanted = AS_FOUND, *, skip_bad: bool = False) -> Converted:
    """Write the jets of all sources as one file of the format of :func:`jets.save`, atomically.

    Parameters
    ----------
    sources
        As for :func:`jets.load`.
    out
        The file.
    wanted
        What the user says of the files.
    skip_bad
        Leave out jets that cannot be right, and count them, instead of refusing the file.

    Raises
    ------
    JetFileError
        A source cannot be read, or none holds jets.
    """
    left: list[Left] = []
    with replacing(out) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        writer = Writer(file)
        for piece in pieces(*sources, wanted=wanted, size=SIZE, skip_bad=skip_bad):
            left += [Left(piece.source, 1, reason.removeprefix(f"{piece.source}: ")) for _, reason in piece.left]
            if piece.jets is not None:
                writer.append(piece.jets)
        counts = writer.finish()
    return Converted(Path(out), counts, left)


class Writer:
    """Jets appended to an open HDF5 file; the first ones say which columns there are."""

    def __init__(self, file: h5py.File) -> None:
        self.file, self.count, self.classes = file, 0, dict[str, int]()

    def append(self, jets: Jets) -> None:
        """Write jets behind those that are there; columns that they lack are NaN.

        Raises
        ------
        JetFileError
            They are vectors, or have weights where the others have none.
        """
        if jets.are_vectors:
            raise JetFileError(f"{', '.join(jets.sources)}: vectors, no jets; keep them as .npy")
        numbers = [self.classes.setdefault(name, len(self.classes)) for name in jets.classes]
        extra = {WEIGHT_NAMES[0]: jets.weights, EVENT_NAMES[0]: jets.events}
        if self.count and any((name in self.file) != (values is not None) for name, values in extra.items()):
            raise JetFileError(f"{', '.join(jets.sources)}: weights or event numbers in some files and not in others")
        self._write("constituents", jets.constituents, *CONSTITUENTS)
        self._write("label", np.array(numbers, np.int64)[jets.label], ("label",), "index into classes")
        for name, values in extra.items():
            if values is not None:
                self._write(name, values, (name,), "")
        for group in GROUPS:
            self._write_columns(group, getattr(jets, group), len(jets))
        self.count += len(jets)

    def finish(self) -> dict[str, int]:
        """Name the classes; return how many jets there are of each.

        Raises
        ------
        JetFileError
            Nothing was written.
        """
        if not self.count:
            raise JetFileError("no jets to convert")
        self.file.attrs["classes"] = list(self.classes)
        counts = np.bincount(self.file["label"][:], minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}

    def _write_columns(self, group: str, columns: dict[str, NDArray], count: int) -> None:
        names = tuple(self.file[group].attrs["columns"]) if group in self.file else tuple(columns)
        if not names:
            return
        missing = np.full(count, np.nan, np.float32)
        values = np.stack([columns.get(name, missing) for name in names], 1)
        self._write(group, values, names, "")

    def _write(self, name: str, values: NDArray, columns: tuple[str, ...], units: str) -> None:
        if name not in self.file:
            size = (ROWS, *values.shape[1:])
            empty = (self.count, *values.shape[1:])
            create_dataset(self.file, name, empty, values.dtype, columns, units, chunks=size, packed=PACKED)
        data = self.file[name]
        if values.ndim == 3 and values.shape[1] > data.shape[1]:
            data.resize(values.shape[1], 1)
        data.resize(self.count + len(values), 0)
        if values.ndim == 3:
            data[self.count :, : values.shape[1]] = values
        else:
            data[self.count :] = values
