"""A file that appears whole or not at all: written under a temporary name beside the target, then moved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jets.disk import folder_for, made, writing


@contextmanager
def temporary_for(path: str | Path, folder: Path | None = None) -> Iterator[Path]:
    """Give a temporary path for what becomes ``path`` by :func:`move`; it is gone in the end.

    A process that is killed leaves it behind: ``folder``, of the same disk, can take it instead of the folder of
    ``path``.

    Raises
    ------
    DiskError
        It cannot be written.
    """
    path = Path(path)
    made(path.parent)
    with folder_for(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=folder or path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with writing(path):
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def move(temporary: Path, path: str | Path) -> None:
    """Flush a temporary file to disk, give it a new file's permissions, and put it in the place of ``path``.

    Raises
    ------
    DiskError
        It cannot be done.
    """
    with folder_for(path):
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)


def umask() -> int:
    """Return the process' mask of permissions."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
