"""Memory: what is asked for is held against what is free, and against what it is made of, before it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from jets.errors import JetFileError
from jets.untrusted.hdf5_walk import PACKED, SMALL

PADDING = 2**30, 10
"""Bytes of padded arrays that are always allowed, and how many times their content they may be beyond that."""


def free() -> int:
    """Return the memory that is free [bytes]; very much where that is not known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 2**63
    return min(found, group_free())


def group_free() -> int:
    """Return the memory that is left to this process' control group [bytes]; very much where nothing bounds it."""
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return 2**63


def assert_room(size: float, what: str) -> None:
    """Assert that so many bytes are free; the message starts with ``what``.

    Raises
    ------
    JetFileError
        They are not.
    """
    if size > SMALL and size > free():
        raise JetFileError(
            f"{what} need {size / 1e9:.1f} GB of memory, {free() / 1e9:.1f} are free: read some at a time "
            "(jets.pieces), or fewer"
        )


def assert_padded(count: int, longest: int, each: int, content: int, name: str = "jets") -> None:
    """Assert that arrays ``(count, longest)`` of ``each`` bytes are not much larger than the ``content`` in them.

    Raises
    ------
    JetFileError
        They are, or there is no such room: one jet is far longer than the others.
    """
    size = float(count) * longest * each
    if size > PADDING[0] and size > PADDING[1] * content:
        raise JetFileError(
            f"{name}: padding {count:,} jets to the {longest:,} particles of the longest takes {size / 1e9:.1f} GB for "
            f"{content / 1e9:.3f} GB of particles; leave that one out"
        )
    assert_room(size, f"{name}: particles")


def assert_backed(size: float, path: str | os.PathLike[str], what: str) -> None:
    """Assert that a file can hold ``size`` bytes, packed.

    Raises
    ------
    JetFileError
        It is too small for them.
    """
    there = os.path.getsize(path)
    if not 0 <= size <= max(SMALL, PACKED * there):
        raise JetFileError(f"{path}: {what} says that it holds {size:.3g} bytes, in {there}; write it again")
