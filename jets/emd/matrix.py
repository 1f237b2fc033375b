"""The matrix of distances in an HDF5 file that is whole at any moment, whenever its process is killed.

All of it is laid out first, under a temporary name, and its room on the disk reserved. After that numbers alone are
written into their places, and that a block is done after its numbers are on the disk.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from jets.atomic import move, temporary_for
from jets.disk import disk, folder_for, writing
from jets.emd.checks import CloudError
from jets.errors import JetFileError
from jets.lock import locked
from jets.untrusted import checker

SIGNATURE, BEGUN = b"\x89HDF\r\n\x1a\n", 2048
"""How HDF5 files begin, and how short one is that a process left which was killed before it wrote anything."""
SECONDS = 1.0
"""Between two moments at which what is written is brought to the disk."""


class Places(NamedTuple):
    """Where the numbers lie in the file: offsets in bytes, and the type of a distance."""

    emd: int
    done: int
    kind: np.dtype


class MatrixFile:
    """The matrix and the table of its blocks that are done, in an open file.

    Attributes
    ----------
    done
        ``(rows, columns)`` of blocks, whether each is done.
    """

    def __init__(self, path: Path, shape: tuple[int, int], blocks: tuple[int, int], places: Places) -> None:
        self.path, self.shape, self.places = path, shape, places
        with folder_for(path):
            self.file = os.open(path, os.O_RDWR)
        self.done = np.frombuffer(os.pread(self.file, int(np.prod(blocks)), places.done), bool).reshape(blocks).copy()
        self.waiting: list[tuple[int, int]] = []
        self.synced = time.perf_counter()

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        """Write distances ``(rows, columns)`` into their places."""
        content = np.ascontiguousarray(values, self.places.kind)
        with writing(self.path):
            for row, numbers in zip(range(rows.start, rows.stop), content, strict=True):
                where = self.places.emd + (row * self.shape[1] + columns.start) * content.itemsize
                written(self.file, numbers.tobytes(), where)

    def finished(self, block: tuple[int, int]) -> None:
        """Note that all of a block is written."""
        self.waiting.append(block)
        if time.perf_counter() - self.synced > SECONDS:
            self.sync()

    def sync(self) -> None:
        """Bring what is written to the disk, then record which blocks that are."""
        with writing(self.path):
            os.fsync(self.file)
            for block in self.waiting:
                self.done[block] = True
                written(self.file, b"\1", self.places.done + int(np.ravel_multi_index(block, self.done.shape)))
            os.fsync(self.file)
        self.waiting, self.synced = [], time.perf_counter()

    def values(self) -> np.ndarray:
        """Return the matrix ``(N, M)``, float32."""
        with self.path.open("rb") as file:
            file.seek(self.places.emd)
            return np.fromfile(file, self.places.kind, int(np.prod(self.shape))).reshape(self.shape).astype(np.float32)


def written(file: int, content: bytes, where: int) -> None:
    """Write all of some bytes at a place."""
    while content:
        count = os.pwrite(file, content, where)
        content, where = content[count:], where + count


@contextmanager
def opened(
    path: Path, shape: tuple[int, int], blocks: tuple[int, int], facts: Mapping[str, Any]
) -> Iterator[MatrixFile]:
    """Give the file of a matrix, to be resumed where it is there; no other process works on it meanwhile.

    Parameters
    ----------
    path
        The file.
    shape, blocks
        Of the matrix, and of the table of its blocks.
    facts
        Attributes of the file, among which ``identity`` says of which clouds and options it is.

    Raises
    ------
    CloudError
        The file holds something else.
    Locked
        Another process works on it.
    DiskError
        It cannot be written.
    """
    with locked(path.parent, name=f".{path.name}.lock"):
        places = found(path, shape, blocks, facts["identity"])
        if places is None:
            begin(path, shape, blocks, facts)
            places = found(path, shape, blocks, facts["identity"])
        assert places is not None
        matrix = MatrixFile(path, shape, blocks, places)
        try:
            try:
                yield matrix
            finally:
                matrix.sync()
        finally:
            os.close(matrix.file)


def found(path: Path, shape: tuple[int, int], blocks: tuple[int, int], identity: str) -> Places | None:
    """Return where the numbers lie in a file; None where there is none yet, or nothing is in it.

    Raises
    ------
    CloudError
        It holds something else.
    """
    if is_empty(path):
        return None
    try:
        with checker.opened(path) as store:
            return places_in(store, path, shape, blocks, identity)
    except CloudError:
        raise
    except (OSError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CloudError(f"{path} cannot be used ({error}); choose another file, or delete it") from error


def is_empty(path: Path) -> bool:
    """Whether there is no file, or only what a process leaves that was killed before it wrote anything."""
    if not path.exists():
        return True
    if not path.is_file() or path.stat().st_size >= BEGUN:
        return False
    content = path.read_bytes()
    return not content or (content.startswith(SIGNATURE) and is_torn(path))


def is_torn(path: Path) -> bool:
    """Whether HDF5 cannot open a file."""
    try:
        checker.assert_readable(path)
    except JetFileError:
        return True
    return False


def places_in(
    store: h5py.File, path: Path, shape: tuple[int, int], blocks: tuple[int, int], identity: str
) -> Places | None:
    """Return where the numbers lie in an open file; None where it has no room for them yet.

    Raises
    ------
    CloudError
        It holds something else.
    """
    if not len(store):
        return None
    if "done" not in store or store.attrs.get("identity") != identity:
        raise CloudError(f"{path} holds the distances of other clouds or options; choose another file")
    emd, done = store["emd"], store["done"]
    if (
        not (isinstance(emd, h5py.Dataset) and isinstance(done, h5py.Dataset))
        or (emd.shape, emd.dtype.kind, emd.dtype.itemsize) != (shape, "f", 4)
        or (done.shape, done.dtype) != (blocks, bool)
    ):
        raise CloudError(f"{path}: emd and done are not what they were written as; choose another file, or delete it")
    offsets = emd.id.get_offset(), done.id.get_offset()
    if None in offsets:
        return None
    size = path.stat().st_size
    if offsets[0] + emd.nbytes > size or offsets[1] + done.size > size:
        raise CloudError(f"{path} is shorter than it says; choose another file, or delete it")
    return Places(*offsets, emd.dtype)


def begin(path: Path, shape: tuple[int, int], blocks: tuple[int, int], facts: Mapping[str, Any]) -> None:
    """Lay out the file of a matrix of which nothing is done, and reserve its room on the disk.

    Raises
    ------
    DiskError
        There is not so much room, or no permission.
    """
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):  # of a process that was killed here
        leftover.unlink()
    with temporary_for(path) as temporary:
        with disk(temporary) as whole, h5py.File(whole, "w") as store:
            for name, size, kind in (("emd", shape, np.float32), ("done", blocks, bool)):
                create(store, name, size, np.dtype(kind))
            store.attrs.update(facts)
        with temporary.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, temporary.stat().st_size)
        move(temporary, path)


def create(store: h5py.File, name: str, shape: tuple[int, ...], kind: np.dtype) -> None:
    """Create a dataset of zeros in one piece, which has its place from now on."""
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.CONTIGUOUS)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    settings.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(store.id, name.encode(), h5py.h5t.py_create(kind, logical=True), space, settings)
