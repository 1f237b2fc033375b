"""The checksums of a folder, ``SHA256SUMS``: what is read from it is what was written there, and lies in it.

While a file is replaced its line and that of what replaces it both stand there, so that a process may be killed at any
moment: the file is one or the other.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from jets.atomic import move, temporary_for
from jets.errors import UserError

SUMS = "SHA256SUMS"
"""Name of the file of checksums, as ``sha256sum -c`` reads it."""
RUN = "config.toml"
OURS = (RUN, "scan.json")
"""Files one of which is listed where the checksums are of a run or scan: those of other folders are left alone."""
OWN = (*OURS, "provenance.json")
"""Files that are of the run or scan in whose folder they lie, of no other above it, also before the rest is there."""
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
MOST = 16 << 20
"""Bytes of a file of checksums."""


class DamagedError(UserError):
    """A file of a folder is not what was written there, or lies elsewhere; the message names it and the remedy."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, names: Iterable[str]) -> None:
    """Write the checksums of those files of a folder that are there."""
    store(folder, {name: {digest(folder / name)} for name in sorted(names) if (folder / name).is_file()})


def store(folder: Path, sums: Mapping[str, Iterable[str]]) -> None:
    """Write checksums, name -> accepted ones, atomically."""
    lines = [f"{each}  {name}\n" for name, accepted in sums.items() for each in sorted(accepted)]
    with temporary_for(folder / SUMS) as temporary:
        temporary.write_bytes("".join(lines).encode("utf-8", "surrogateescape"))
        move(temporary, folder / SUMS)


def remove(folder: Path) -> None:
    """Do without the checksums of a folder, whose files will change; not while one of them is being replaced."""
    with locked(folder):
        (folder / SUMS).unlink(missing_ok=True)


def read(folder: Path) -> dict[str, set[str]]:
    """Return name -> accepted checksums; nothing where no checksums were kept.

    Raises
    ------
    DamagedError
        The file is none of checksums.
    """
    path, found = folder / SUMS, dict[str, set[str]]()
    if not path.exists():
        return found
    assert_plain(path, folder, MOST)
    for line in path.read_bytes().decode("utf-8", "surrogateescape").splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            raise DamagedError(f"{path}: not a list of checksums; restore it, or remove it to do without")
        found.setdefault(match[2], set()).add(match[1])
    return found


def home(path: Path) -> tuple[Path, str] | None:
    """Return the run or scan with checksums in which a file lies, or in a folder of which it lies; its name there.

    Raises
    ------
    DamagedError
        The checksums cannot be read.
    """
    folder, above = path.parent, path.parent.parent
    if path.name in OWN or any((folder / name).exists() for name in OURS):
        return None if read(folder).keys().isdisjoint(OURS) else (folder, path.name)
    known = read(above) if (above / RUN).exists() else {}
    return (above, f"{folder.name}/{path.name}") if RUN in known else None


@contextmanager
def replaced(path: Path, temporary: Path) -> Iterator[None]:
    """Keep the checksums right while the block moves a temporary file to ``path``."""
    where = None if path.name == SUMS else home(path)
    if where is None:
        yield
        return
    folder, name = where
    new = digest(temporary)
    with locked(folder):
        known = read(folder)
        if known:
            store(folder, known | {name: known.get(name, set()) | {new}})
        yield
        if known:
            store(folder, known | {name: {new}})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the checksums of a folder, where the system can."""
    handle = None
    with suppress(ImportError, OSError):
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def assert_intact(path: Path, folder: Path | None = None, most: int | None = None) -> Path:
    """Assert that a file, if it is there, lies in ``folder`` (its own by default) and is what its checksum says.

    A file without a checksum is believed. Returns the path. ``most`` is the number of bytes it may have.

    Raises
    ------
    DamagedError
        It does not, or is not.
    """
    if not os.path.lexists(path):
        return path
    where = home(path)
    assert_plain(path, folder or (path.parent if where is None else where[0]), most)
    for _ in range(3):  # another process may be replacing it: then both checksums stand there before it is
        if where is None or not path.exists() or (accepted := read(where[0]).get(where[1])) is None:
            return path
        if digest(path) in accepted:
            return path
    raise DamagedError(f"{path}: not what {SUMS} says; restore it, or, if you changed it, remove {where[0] / SUMS}")  # type: ignore[index]


def assert_listed(folder: Path, names: Iterable[str]) -> None:
    """Assert that a folder of checksums, if it has any, has those of these files that are there.

    Raises
    ------
    DamagedError
        It has not.
    """
    known = read(folder)
    lost = [name for name in names if known and name not in known and (folder / name).exists()]
    if lost:
        raise DamagedError(f"{folder / SUMS}: has no checksum of {lost[0]}; restore it, or remove it to do without")


def assert_plain(path: Path, folder: Path, most: int | None = None) -> None:
    """Assert that a path is a file, and no link to somewhere outside ``folder``.

    Raises
    ------
    DamagedError
        It is.
    """
    real, inside = os.path.realpath(path), os.path.realpath(folder)
    if os.path.commonpath([real, inside]) != inside:
        raise DamagedError(f"{path}: a link to {real}, outside {folder}; put a copy in its place")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error.strerror}); restore it") from error
    if not stat.S_ISREG(found.st_mode):
        raise DamagedError(f"{path}: not a file; restore it")
    if most is not None and found.st_size > most:
        raise DamagedError(f"{path}: has {found.st_size:,} bytes, expected at most {most:,}; restore it")
