"""Jets on disk: the HDF5 format, written and read, all jets or some of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from jets import checks, datasets
from jets.dataset import GROUPS, Jets
from jets.disk import disk
from jets.errors import JetFileError, legible
from jets.files import replacing
from jets.untrusted import checker
from jets.untrusted.room import assert_room
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

CHECKED: dict[str, Any] = {"libver": ("v110", "v110"), "track_order": True}
"""How files of ours are opened to write: as of HDF5 1.10, which keeps checksums of all but the numbers and long text.

The numbers are packed by zlib, which keeps checksums of them.
"""
SEAL = "names_crc32"
LABELS = 1 << 20
"""Labels that are read at a time."""
CONSTITUENTS = (("pt", "eta_rel", "phi_rel"), "GeV, 1, rad")
"""Columns and units of the constituents."""


def save(path: str | Path, jets: Jets) -> Path:
    """Write jets as HDF5 with ``columns`` and ``units`` attributes, atomically; return the path.

    Weights and event numbers, where there are any, are datasets ``weight`` and ``event_number``.
    """
    with replacing(path) as temporary, disk(temporary) as whole, h5py.File(whole, "w", **CHECKED) as file:
        file.attrs["classes"] = list(jets.classes)
        _write(file, "constituents", jets.constituents, *CONSTITUENTS)
        label = jets.label.astype(np.min_scalar_type(max(len(jets.classes) - 1, 0)))
        _write(file, "label", label, ("label",), "index into classes")
        for group in GROUPS:
            columns = getattr(jets, group)
            if columns:
                _write(file, group, np.stack(list(columns.values()), 1), tuple(columns), "")
        for name, values in ((WEIGHT_NAMES[0], jets.weights), (EVENT_NAMES[0], jets.events)):
            if values is not None:
                _write(file, name, values, (name,), "")
        seal(file)
    return Path(path)


def seal(file: h5py.File) -> None:
    """Keep a checksum of the names of classes and columns, the only part of a file of ours that HDF5 keeps none of."""
    for found in (file, *file.values()):
        found.attrs[SEAL] = np.uint32(names_checksum(found))


def names_checksum(found: h5py.File | h5py.Dataset) -> int:
    """Return the checksum of the names of classes or columns of a file or dataset."""
    names = [str(name) for known in ("classes", "columns") for name in found.attrs.get(known, ())]
    return zlib.crc32("\n".join(names).encode())


def _write(file: h5py.File, name: str, values: NDArray, columns: tuple[str, ...], units: str) -> None:
    create_dataset(file, name, values.shape, values.dtype, columns, units)[...] = values


def create_dataset(
    file: h5py.File,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    columns: tuple[str, ...],
    units: str,
    *,
    chunks: tuple[int, ...] | None = None,
    level: int = 4,
    grows: bool = False,
) -> h5py.Dataset:
    """Create an empty compressed dataset that says what its columns are; nothing in it depends on the time.

    Parameters
    ----------
    file
        Open for writing.
    name, shape, dtype
        Of the dataset.
    columns, units
        Its attributes: the names along the last axis, and their units.
    chunks
        Shape of the pieces that are compressed one by one; h5py's choice by default.
    level
        Of gzip, 0 to 9.
    grows
        Whether it can be made larger.
    """
    options = {"compression": "gzip", "compression_opts": level, "shuffle": True, "track_times": False}
    options |= {"maxshape": (None,) * len(shape)} if grows else {}
    dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **options)
    dataset.attrs["columns"] = np.array(columns, h5py.string_dtype())
    dataset.attrs["units"] = units
    return dataset


@contextmanager
def opened(path: Path) -> Iterator[Stored]:
    """Open a file of jets to read.

    Raises
    ------
    JetFileError
        It is no HDF5 file of jets, or damaged.
    """
    with legible(path), checker.opened(path) as file:
        yield Stored(file, path)


class Stored:
    """An open file of jets: their number, the classes that they have, and any of them."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.file, self.path = file, path
        _sealed(file, path)
        if "constituents" not in set(file):
            found = sorted(file)
            raise JetFileError(f"{path}: no dataset 'constituents', only {found}; see docs/data.md for the format")
        self._constituents = datasets.constituents(datasets.dataset(file, "constituents", path), path)
        self._label = datasets.dataset(file, "label", path) if "label" in set(file) else None
        self._known = datasets.classes(file, path) if self._label is not None else (path.stem,)
        self._columns = {name: datasets.columns(file, name, path, len(self)) for name in GROUPS}
        self._beside = [datasets.beside(file, names, path, len(self)) for names in (WEIGHT_NAMES, EVENT_NAMES)]
        datasets.say_what_is_not_read(file, path)

    def __len__(self) -> int:
        return self._constituents.shape[0]

    @cached_property
    def present(self) -> NDArray[np.int64]:
        """Numbers of the classes of which there are jets, rising; all labels are read, some at a time.

        Raises
        ------
        JetFileError
            Labels that are none.
        """
        if self._label is None:
            return np.zeros(1, np.int64)
        if self._label.shape != (len(self),):
            shaped = np.broadcast_to(np.zeros((), self._label.dtype), self._label.shape)
            checks.labels(shaped, self._known, len(self), str(self.path))
        found = [np.empty(0, np.int64)]
        for start in range(0, len(self), LABELS):
            found.append(np.unique(self._labels(slice(start, min(start + LABELS, len(self))))))
        return np.unique(np.concatenate(found))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of which there are jets."""
        return tuple(self._known[i] for i in self.present)

    def label(self, rows: slice) -> NDArray[np.int64]:
        """Return the labels of some jets, ``(n,)``, index into :attr:`classes`."""
        return np.searchsorted(self.present, self._labels(rows))

    def _labels(self, rows: slice) -> NDArray[np.int64]:
        """Return labels as the file has them."""
        count = len(range(*rows.indices(len(self))))
        if self._label is None:
            return np.zeros(count, np.int64)
        return checks.labels(self._label[rows], self._known, count, str(self.path))

    @property
    def width(self) -> int:
        """Constituents of a jet, at most."""
        return self._constituents.shape[1]

    @property
    def rows_together(self) -> int:
        """Number of jets that are packed together, and cannot be read one without the others."""
        return self._constituents.chunks[0] if self._constituents.chunks else 1

    def jets(self) -> Jets:
        """Return all jets.

        Raises
        ------
        JetFileError
            What no jets have (see :class:`jets.Jets`).
        """
        shape = self._constituents.shape
        assert_room(12.0 * shape[0] * shape[1], f"{self.path}: constituents {shape}")
        rows = slice(0, len(self))
        weights, events = self.beside(rows)
        given: dict[str, Any] = {**self.groups(rows), "weights": weights, "events": events}
        return Jets(self.constituents(rows), self.label(rows), self.classes, sources=(str(self.path),), **given)

    def constituents(self, rows: slice) -> NDArray[np.float32]:
        """Return constituents of some jets as they are stored, ``(n, M, 3)``."""
        steps = datasets.steps(self._constituents, self.path)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(self._constituents[rows], np.float32)
            return values if steps is None else np.multiply(values, steps, out=values)

    def groups(self, rows: slice) -> dict[str, dict[str, NDArray[np.float32]]]:
        """Return the columns of some jets by group and name, ``(n,)`` each."""
        found: dict[str, dict[str, NDArray[np.float32]]] = {}
        for group, (data, names) in self._columns.items():
            with np.errstate(over="ignore"):
                values = np.empty((0, 0), np.float32) if data is None else np.asarray(data[rows], np.float32)
            found[group] = {name: np.ascontiguousarray(values[:, i]) for i, name in enumerate(names)}
        return found

    def beside(self, rows: slice) -> tuple[NDArray | None, NDArray | None]:
        """Return weights and event numbers of some jets, where the file has them."""
        weights, events = (None if data is None else data[rows] for data in self._beside)
        return weights, events


def _sealed(file: h5py.File, path: Path) -> None:
    """Assert that names are as they were written, where the file says how."""
    for found in (file, *(data for data in file.values() if isinstance(data, h5py.Dataset))):
        if SEAL in found.attrs and found.attrs[SEAL] != names_checksum(found):
            raise JetFileError(f"{path}: names of classes or columns are damaged; get it again, or write it anew")
