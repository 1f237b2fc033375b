"""Texts, also compressed, read within bounds: no line without end, no file that unpacks to ever more."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jets.errors import JetFileError
from jets.formats.containers import is_packed
from jets.untrusted.hdf5_walk import PACKED, SMALL

LONGEST = 2**22
"""Bytes of a line; one of a jet of 200 particles has some 20,000."""


class Text(io.RawIOBase):
    """The bytes of a text as they are read, unpacked.

    Parameters
    ----------
    path
        The file.
    watch
        Is given each piece that is read.

    Raises
    ------
    JetFileError
        A line is longer than any table has, or the file unpacks to much more than it is.
    """

    def __init__(self, path: Path, watch: Callable[[bytes], None] | None = None) -> None:
        self.path, self.watch, self.most = path, watch, max(SMALL, PACKED * path.stat().st_size)
        self.inner: Any = gzip.open(path) if is_packed(path) else path.open("rb")  # noqa: SIM115
        self.line = self.total = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes, and return how many."""
        data = self.inner.read(len(buffer))
        buffer[: len(data)] = data
        end = data.rfind(b"\n")
        self.line = self.line + len(data) if end < 0 else len(data) - end
        self.total += len(data)
        if self.line > LONGEST:
            raise JetFileError(f"{self.path}: a line of over {LONGEST // 2**20} MB; give a row a jet, or a particle")
        if self.total > self.most:
            raise JetFileError(
                f"{self.path}: unpacks to over {PACKED} times its size; if it is what it should be, unpack it yourself"
            )
        if self.watch is not None:
            self.watch(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self.inner.close()
        super().close()


class Tail:
    """What a text ends with after its last line end: a line that may have been cut; give :attr:`take` as ``watch``."""

    def __init__(self) -> None:
        self.line = b""

    def take(self, data: bytes) -> None:
        """Take the next piece of the text."""
        _, end, after = data.rpartition(b"\n")
        self.line = after if end else self.line + data


def opened(path: Path, watch: Callable[[bytes], None] | None = None) -> io.BufferedReader:
    """Open a text, also a compressed one, as bytes; see :class:`Text`."""
    return io.BufferedReader(Text(path, watch), 2**18)
