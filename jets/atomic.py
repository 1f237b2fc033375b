"""A file that appears whole or not at all: written under a temporary name beside the target, then moved."""

from __future__ import annotations

import os
import socket
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jets.disk import folder_for, made, writing
from jets.holder import boot, start_of


@contextmanager
def temporary_for(path: str | Path, folder: Path | None = None) -> Iterator[Path]:
    """Give a temporary path for what becomes ``path`` by :func:`move`; it is gone in the end.

    A process that is killed leaves it behind, until the next one writes ``path``; ``folder``, of the same disk, can
    take it instead of the folder of ``path``.

    Raises
    ------
    DiskError
        It cannot be written.
    """
    path = Path(path)
    made(path.parent)
    with folder_for(path):
        remove_left(path, folder or path.parent)
        handle, name = tempfile.mkstemp(prefix=f"{beginning(path)}{mark()}", suffix=".tmp", dir=folder or path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with writing(path):
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def beginning(path: Path) -> str:
    """Return what the names of temporary files of ``path`` begin with."""
    return f".{path.name[:100]}."


def mark(pid: int | None = None) -> str:
    """Return what says which process of which machine writes a temporary file."""
    machine = zlib.crc32(f"{socket.gethostname()} {boot()}".encode())
    return f"{machine:08x}-{os.getpid() if pid is None else pid}-"


def remove_left(path: Path, folder: Path) -> None:
    """Remove temporary files of ``path`` whose processes on this machine were killed."""
    machine = mark(0)[:9]
    for name in os.listdir(folder):
        words = name.removeprefix(beginning(path)).removeprefix(machine).partition("-")
        if not name.startswith(beginning(path) + machine) or not name.endswith(".tmp") or not words[0].isdigit():
            continue
        if boot() and not start_of(int(words[0])):
            with suppress(OSError):
                (folder / name).unlink()


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
