"""Any files of jets into one HDF5 file of our format, written some jets at a time as the readers yield them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py

from jets.disk import disk
from jets.files import replacing
from jets.formats import AS_FOUND, Wanted
from jets.hdf5 import CHECKED
from jets.progress import Progress
from jets.stream import pieces
from jets.writing import Writer

SIZE = 16_384
"""Jets of our own files that are read at a time; those of others come as their readers yield them."""


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
    DiskError
        The file cannot be written.
    """
    left: list[Left] = []
    with (
        replacing(out) as temporary,
        disk(temporary) as whole,
        h5py.File(whole, "w", **CHECKED) as file,
        Writer(file) as writer,
        Progress(None, "converted") as progress,
    ):
        for piece in pieces(*sources, wanted=wanted, size=SIZE, skip_bad=skip_bad):
            left += [Left(piece.source, 1, reason.removeprefix(f"{piece.source}: ")) for _, reason in piece.left]
            if piece.jets is not None:
                writer.append(piece.jets)
                progress.advance(len(piece.jets))
                whole.check()
        counts = writer.finish(str(out))
    return Converted(Path(out), counts, left)
