"""Jets on disk: the HDF5 format, written and read, all jets or some of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from jets import checks
from jets.dataset import GROUPS, Jets
from jets.disk import disk
from jets.errors import JetFileError, legible
from jets.files import replacing
from jets.simulation.config import CLASSES
from jets.untrusted import checker
from jets.untrusted.room import assert_room
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

CHECKED: dict[str, Any] = {"libver": ("v110", "v110"), "track_order": True}
"""How files of ours are opened to write: as of HDF5 1.10, which keeps checksums of all but the numbers and long text.

The numbers are packed by zlib, which keeps checksums of them.
"""
SEAL = "names_crc32"
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
    """An open file of jets: their number, the classes that they have, and any of them.

    Attributes
    ----------
    classes
        The classes of which there are jets.
    label
        ``(N,)``, index into them.
    """

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.file, self.path = file, path
        _sealed(file, path)
        if "constituents" not in set(file):
            found = sorted(file)
            raise JetFileError(f"{path}: no dataset 'constituents', only {found}; see docs/data.md for the format")
        self._constituents = _constituents(_dataset(file, "constituents", path), path)
        classes = _classes(file, path)
        if "label" in set(file):
            label = checks.labels(_dataset(file, "label", path)[()], classes, len(self), str(path))
        else:
            label, classes = np.zeros(len(self), np.int64), (path.stem,)
        present = np.unique(label)
        self.label, self.classes = np.searchsorted(present, label), tuple(classes[i] for i in present)
        self._columns = {name: _columns(file, name, path, len(self)) for name in GROUPS}
        self._beside = [_beside(file, names, path, len(self)) for names in (WEIGHT_NAMES, EVENT_NAMES)]
        _say_what_is_not_read(file, path)

    def __len__(self) -> int:
        return self._constituents.shape[0]

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
        return Jets(self.constituents(rows), self.label, self.classes, sources=(str(self.path),), **given)

    def constituents(self, rows: slice) -> NDArray[np.float32]:
        """Return constituents of some jets as they are stored, ``(n, M, 3)``."""
        steps = _steps(self._constituents, self.path)
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


def _dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of real numbers."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise JetFileError(f"{path}: {name} is no dataset; see docs/data.md for the format")
    if data.dtype.kind not in "fiub" or data.shape is None:
        raise JetFileError(f"{path}: {name} is of type {data.dtype}; expected real numbers")
    return data


def _constituents(data: h5py.Dataset, path: Path) -> h5py.Dataset:
    if data.ndim != 3 or data.shape[-1] != 3 or 0 in data.shape:
        raise JetFileError(
            f"{path}: constituents has shape {data.shape}, expected (jets, constituents, 3) with jets > 0"
        )
    return data


def _classes(file: h5py.File, path: Path) -> tuple[str, ...]:
    """Return the names of the classes: an attribute, or a dataset, of text or bytes."""
    if "classes" in file.attrs:
        return checks.names(file.attrs["classes"], "the attribute classes", str(path))
    if "classes" not in set(file):
        return CLASSES
    held = file["classes"]
    return checks.names(held[()] if isinstance(held, h5py.Dataset) else None, "the dataset classes", str(path))


def _steps(data: h5py.Dataset, path: Path) -> NDArray[np.float32] | None:
    """Return the three step sizes of constituents that are stored as whole numbers of steps."""
    if "scale" not in data.attrs:
        return None
    scale = np.asarray(data.attrs["scale"])
    if scale.dtype.kind not in "fiu" or scale.shape not in ((), (1,), (3,)) or not np.isfinite(scale).all():
        raise JetFileError(f"{path}: the attribute scale of constituents is {scale!r}; expected three step sizes")
    with np.errstate(over="ignore"):
        return np.asarray(scale.astype(np.float32))


def _columns(file: h5py.File, name: str, path: Path, count: int) -> tuple[h5py.Dataset | None, tuple[str, ...]]:
    if name not in set(file):
        return None, ()
    data = _dataset(file, name, path)
    columns = checks.names(data.attrs.get("columns", ()), f"the attribute columns of {name}", str(path), ratios=True)
    if data.shape != (count, len(columns)):
        raise JetFileError(
            f"{path}: {name} has shape {data.shape}, expected ({count}, {len(columns)}) by its 'columns'"
        )
    return data, columns


def _beside(file: h5py.File, names: tuple[str, ...], path: Path, count: int) -> h5py.Dataset | None:
    """Return the one dataset that has one of these names; None without any."""
    found = [name for name in names if name in set(file)]
    if len(found) > 1:
        raise JetFileError(f"{path}: has {' and '.join(found)}; keep one of them")
    if not found:
        return None
    data = _dataset(file, found[0], path)
    if data.shape[:1] != (count,):
        what = "weights" if names is WEIGHT_NAMES else "event numbers"
        raise JetFileError(f"{path}: {what} have shape {data.shape}; expected one for each of {count} jets")
    return data


def _say_what_is_not_read(file: h5py.File, path: Path) -> None:
    """Name what may be weights or event numbers under another name."""
    read = {"constituents", "label", "classes", *GROUPS, *WEIGHT_NAMES, *EVENT_NAMES}
    for name in sorted(set(file) - read):
        if "weight" in name.lower() or "event" in name.lower():
            known = WEIGHT_NAMES[0] if "weight" in name.lower() else EVENT_NAMES[0]
            checks.say(f"{path}: {name!r} is not read; were it named {known!r}, it would be")
