"""A folder that is written whole or not at all, with the checksum of every file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.folder import RunError
from jets.disk import folder_for, made, writing

SUMS = "SHA256SUMS"
"""Name of the file of checksums, as ``sha256sum -c`` reads it."""


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; move it there when the block ends without an error.

    Raises
    ------
    RunError
        There is something already.
    DiskError
        It cannot be written; no temporary is left.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path}: already exists; choose another -o")
    made(path.parent)
    with folder_for(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        with writing(path):
            yield temporary
        with folder_for(path):
            for file in temporary.iterdir():
                file.chmod(0o666 & ~umask())
            temporary.chmod(0o777 & ~umask())
            if path.is_dir():
                path.rmdir()
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def umask() -> int:
    """Return the process' mask of permissions."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_sums(folder: Path) -> None:
    """Write the checksum of every file of a folder."""
    lines = [f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
