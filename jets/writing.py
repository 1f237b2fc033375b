"""Jets appended to an HDF5 file of our format as fast as they can be read."""

from __future__ import annotations

import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from jets.dataset import GROUPS, Jets
from jets.errors import JetFileError
from jets.hdf5 import CONSTITUENTS, create_dataset, seal
from jets.weights import EVENT_NAMES, WEIGHT_NAMES, weights

ROWS, WIDTH = 1024, 16
"""Jets and constituents of a block of the file, which is packed by itself."""
DENSE = 0.3
"""Share of real constituents in a block above which it is stored as it is: packing them takes longer than reading."""
NOT_SHUFFLED = 0b01
"""Mask of a block to which the first filter was not applied, shuffling, but the second, gzip."""
WORKERS = 2

Block = tuple[bytes, int] | None
"""Bytes of a block, and the filters that were not applied to it; None where it holds nothing."""


def packed(block: NDArray[np.float32]) -> Block:
    """Return a block ``(ROWS, WIDTH, 3)`` as HDF5 stores it; the runs of zeros of padding are what can be packed."""
    share = np.count_nonzero(block[..., 0]) / block[..., 0].size
    if not share:
        return None
    plain = block.tobytes()
    if share > DENSE:
        return zlib.compress(plain, 0), NOT_SHUFFLED  # not smaller, and with a checksum
    shuffled = np.frombuffer(plain, np.uint8).reshape(-1, block.itemsize).T.tobytes()
    runs = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return runs.compress(shuffled) + runs.flush(), 0


class Constituents:
    """The dataset of constituents of an open file, block by block; blocks are packed while others are read."""

    def __init__(self, file: h5py.File) -> None:
        self.file, self.count, self.width = file, 0, 1
        self.rest: list[NDArray[np.float32]] = []
        self.waiting: list[tuple[tuple[int, int, int], Future[Block]]] = []
        self.pool = ThreadPoolExecutor(WORKERS)

    def append(self, values: NDArray[np.float32]) -> None:
        """Take constituents ``(n, M, 3)``; whole blocks are packed, and those of the last call written."""
        self.rest.append(values)
        held = sum(map(len, self.rest))
        if held >= ROWS:
            self._blocks(held // ROWS * ROWS)

    def finish(self) -> None:
        """Write what is left."""
        held = sum(map(len, self.rest))
        if held:
            self._blocks(held)
        self._write()

    def _blocks(self, count: int) -> None:
        """Have the first ``count`` jets packed, and keep the others."""
        width = max(values.shape[1] for values in self.rest)
        self.width = max(self.width, width)
        rows, columns = -(-count // ROWS) * ROWS, -(-width // WIDTH) * WIDTH
        held = np.zeros((rows, columns, 3), np.float32)
        start = 0
        for values in self.rest:
            some = values[: count - start]
            held[start : start + len(some), : values.shape[1]] = some
            start += len(some)
        used = count - sum(map(len, self.rest[:-1]))
        self.rest = [values for values in [self.rest[-1][used:]] if len(values)]
        self._write()
        for row in range(0, rows, ROWS):
            for column in range(0, columns, WIDTH):
                block = held[row : row + ROWS, column : column + WIDTH]
                self.waiting.append(((self.count + row, column, 0), self.pool.submit(packed, block)))
        self.count += count

    def _write(self) -> None:
        """Write the blocks that are packed or being packed."""
        if "constituents" not in self.file:
            shape, chunks = (self.count, self.width, 3), (ROWS, WIDTH, 3)
            create_dataset(
                self.file, "constituents", shape, np.float32, *CONSTITUENTS, chunks=chunks, level=1, grows=True
            )
        data = self.file["constituents"]
        data.resize((self.count, self.width, 3))
        for offset, future in self.waiting:
            block = future.result()
            if block is not None:
                content, skipped = block
                data.id.write_direct_chunk(offset, content, skipped)
        self.waiting = []


class Writer:
    """Jets appended to an open HDF5 file; the first ones say which columns there are."""

    def __init__(self, file: h5py.File) -> None:
        self.file, self.count, self.classes = file, 0, dict[str, int]()
        self.constituents = Constituents(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.constituents.pool.shutdown(cancel_futures=True)

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
        self.constituents.append(jets.constituents)
        self._write("label", np.array(numbers, np.int64)[jets.label], ("label",), "index into classes")
        for name, values in extra.items():
            if values is not None:
                self._write(name, values, (name,), "")
        for group in GROUPS:
            self._write_columns(group, getattr(jets, group), len(jets))
        self.count += len(jets)

    def finish(self, name: str) -> dict[str, int]:
        """Write what is left, and the names of the classes; return how many jets there are of each.

        Raises
        ------
        JetFileError
            There are no jets, or their weights cancel.
        """
        if not self.count:
            raise JetFileError(f"{name}: no jets to write")
        self.constituents.finish()
        if WEIGHT_NAMES[0] in self.file:
            weights(self.file[WEIGHT_NAMES[0]][:], self.count, name)
        self.file.attrs["classes"] = list(self.classes)
        seal(self.file)
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
            empty = (self.count, *values.shape[1:])
            chunks = (4 * ROWS, *values.shape[1:])
            level = 0 if values.dtype.kind == "f" else 1  # columns of the jets are few beside the constituents
            create_dataset(self.file, name, empty, values.dtype, columns, units, chunks=chunks, level=level, grows=True)
        data = self.file[name]
        data.resize(self.count + len(values), 0)
        data[self.count :] = values
