"""ROOT and parquet files are read by a process of its own first: their libraries hang or end the program on damage.

What they merely refuse is not said here: whoever asked reads the file then, and says it.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from jets.formats import AS_FOUND, format_of
from jets.untrusted import checker
from jets.untrusted.hdf5_walk import ROOM

SMALL = 2**25
"""Bytes of a file that is read wholly; of larger ones the parts that say what is where."""
PARTS = 1_000
"""Parts of a small file that are read at most."""


def tried(path: str) -> str:
    """Read a file; return whether that took all memory that it may, and leave whatever else comes of it to others."""
    checker.IS_CHILD = True
    try:
        _, reader = format_of(Path(path))
        if os.path.getsize(path) <= SMALL:
            for _ in itertools.islice(reader.read(Path(path), AS_FOUND).parts, PARTS):
                pass
    except Exception as error:
        if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
            size = f"{os.path.getsize(path):,} bytes"
            return f"damaged: {size} need over {ROOM / 2**30:g} GiB of memory; get it again, or write it anew"
    return ""
