"""A folder that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.folder import RunError
from jets.atomic import umask
from jets.disk import folder_for, made, writing


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
