"""Whether an HDF5 file can be read: every link, attribute, type and block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

SMALL, PACKED = 2**28, 200
"""Bytes from which a dataset must be backed by the file, and the most that compression makes of jets, as a factor."""
WHOLE = 2**24
"""Bytes of numbers of a file that are read one by one; of what is beyond, some blocks are."""
PIECE = 2**23
BLOCKS = 8
"""Bytes that are read at a time; blocks of a large dataset that are read."""
PER_SECOND = 2e7
"""Bytes of a file that add a second to the time that reading it may take."""
ROOM = 3 * 2**29
"""Memory that the check of a file may need [bytes]."""
OTHERS = 32_000
"""Filters from this number on are in libraries of their own."""


class Fault(Exception):
    """What is wrong with a file, in words."""


def fault(path: str) -> str:
    """Return what is wrong with a file, and the remedy; empty if nothing is."""
    try:
        with h5py.File(path, "r") as file:
            Walk(file, os.path.getsize(path)).over_all()
    except Fault as found:
        return str(found)
    except Exception as error:  # whatever the library says of damage
        return f"not a readable HDF5 file ({words(error)}); get it again, or see docs/data.md for other formats"
    return ""


class Walk:
    """All objects of an open file."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self.file, self.size, self.left = file, size, WHOLE
        self.soft: list[tuple[h5py.Group, bytes]] = []
        self.extents: list[np.ndarray] = []
        self.seen: set[int] = set()

    def over_all(self) -> None:
        """Look at everything.

        Raises
        ------
        Fault
            What cannot be read, or lies in another file.
        """
        waiting = [self.file]
        self.seen = {h5py.h5o.get_info(self.file.id).addr}
        while waiting:
            group = waiting.pop()
            self.attributes(group)
            for found in self.members(group):
                if isinstance(found, h5py.Group):
                    waiting.append(found)
                else:
                    self.attributes(found)
                if isinstance(found, h5py.Dataset):
                    self.dataset(found)
        for group, name in self.soft:  # only now that no link leads out of the file
            if not h5py.h5o.exists_by_name(group.id, name):
                raise Fault(f"{shown(name)} is a link to what is not there; link or copy the data again")
        self.apart()

    def members(self, group: h5py.Group) -> Iterator[Any]:
        """Yield the objects that a group holds itself, if nothing did before."""
        for name in list(group.id):
            link = group.id.links.get_info(name)
            kind = link.type
            if kind == h5py.h5l.TYPE_HARD:
                if link.u not in self.seen:
                    self.seen.add(link.u)
                    yield opened(group, name)
            elif kind == h5py.h5l.TYPE_SOFT:
                self.soft.append((group, name))
            else:
                raise Fault(f"{shown(name)} is a link to another file; copy the data into this one")

    def attributes(self, found: Any) -> None:
        """Read all attributes."""
        for name in found.attrs:
            found.attrs[name]

    def dataset(self, data: h5py.Dataset) -> None:
        """Look at where a dataset lies, then read it.

        Raises
        ------
        Fault
            It lies in another file, or is not as large as it says.
        """
        name, plan = shown(data.name), data.id.get_create_plist()
        if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
            raise Fault(f"the numbers of {name} lie in another file; copy them into this one")
        if data.shape is None:
            return
        stored = data.id.get_storage_size()
        most = max(SMALL, PACKED * min(stored, self.size))
        if data.nbytes > most or (data.chunks and np.prod(data.chunks, dtype=float) * data.dtype.itemsize > most):
            raise Fault(f"{name} says it has shape {data.shape}, but holds only {stored} bytes of it; write it again")
        if data.chunks:
            self.blocks(data, name)
        elif plan.get_layout() == h5py.h5d.CONTIGUOUS and data.id.get_offset() is not None and stored:
            self.lies(np.array([[data.id.get_offset(), stored]]), name)
        if any(plan.get_filter(i)[0] >= OTHERS for i in range(plan.get_nfilters())):
            self.libraries(name)
        self.numbers(data)

    def blocks(self, data: h5py.Dataset, name: str) -> None:
        """Look at where each block of a dataset lies.

        Raises
        ------
        Fault
            Beyond the end of the file or of the dataset, or two at one place.
        """
        found: list[tuple[int, int]] = []
        places: list[tuple[int, ...]] = []

        def note(block: Any) -> None:
            found.append((block.byte_offset, block.size))
            places.append(block.chunk_offset)

        data.id.chunk_iter(note)
        if not found:
            return
        here = np.array(places)
        if (here >= data.shape).any() or (here % data.chunks).any() or len(np.unique(here, axis=0)) < len(here):
            raise Fault(f"blocks of {name} lie outside of it, or twice; write it again")
        self.lies(np.array(found), name)

    def lies(self, extents: np.ndarray, name: str) -> None:
        """Take note of offsets and sizes ``(n, 2)`` in the file."""
        if (extents < 0).any() or (extents.astype(float).sum(1) > self.size).any():
            raise Fault(f"{name} extends beyond the end of the file, which was cut; get it again")
        self.extents.append(extents)

    def apart(self) -> None:
        """Look whether two blocks of the file lie at one place.

        Raises
        ------
        Fault
            They do.
        """
        extents = np.concatenate(self.extents) if self.extents else np.zeros((0, 2), int)
        extents = extents[np.argsort(extents[:, 0], kind="stable")]
        if (extents[:-1].sum(1) > extents[1:, 0]).any():
            raise Fault("damaged: two blocks lie at one place of the file; get it again, or write it anew")

    def libraries(self, name: str) -> None:
        """Load the filters of other libraries.

        Raises
        ------
        Fault
            They are not installed.
        """
        try:
            import hdf5plugin  # noqa: F401
        except ImportError:
            raise Fault(f"{name} cannot be unpacked without hdf5plugin; pip install 'jetvae[formats]'") from None

    def numbers(self, data: h5py.Dataset) -> None:
        """Read numbers a piece at a time; of many, some blocks."""
        if not data.ndim or not data.size:
            data[()]
            return
        row = data.nbytes // data.shape[0] or 1
        step = max(PIECE // row, 1)
        if data.chunks:
            step = max(step // data.chunks[0], 1) * data.chunks[0]
        starts = np.arange(0, data.shape[0], step)
        if data.nbytes > self.left:
            starts = np.unique(starts[np.linspace(0, len(starts) - 1, BLOCKS).astype(int)])
            step = data.chunks[0] if data.chunks else max(step // BLOCKS, 1)
        else:
            self.left -= data.nbytes
        for start in starts:
            data[start : start + step]


def words(error: Exception) -> str:
    """Return what the library says, on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def opened(group: h5py.Group, name: bytes) -> Any:
    """Return an object of a group as h5py's own."""
    found = h5py.h5o.open(group.id, name)
    if isinstance(found, h5py.h5g.GroupID):
        return h5py.Group(found)
    return h5py.Dataset(found) if isinstance(found, h5py.h5d.DatasetID) else h5py.Datatype(found)


def shown(name: str | bytes | None) -> str:
    """Return the name of an object as it can be printed."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else name or ""
    text = text.removeprefix("/")
    return text if text.isprintable() and len(text) < 80 else repr(text[:80])
