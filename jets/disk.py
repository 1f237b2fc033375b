"""What a disk refuses: no space, no quota, no permission; said in one line that names the file and the remedy."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jets.errors import UserError

FULL = {
    errno.ENOSPC: "no space left on the disk; free some",
    errno.EDQUOT: "the quota of the disk is used up; free some",
    errno.EFBIG: "larger than a file may become here (ulimit -f); raise the limit",
}
"""Number of an error that only writing gives -> what is said."""
REFUSED = {
    errno.EROFS: "the disk is read-only; write elsewhere",
    errno.EACCES: "no permission to write there; write elsewhere, or change the permissions",
    errno.EPERM: "no permission to write there; write elsewhere, or change the permissions",
}
"""Number of an error that a folder gives -> what is said."""
AGAIN = "then give the same again; what was there is kept"


class DiskError(UserError, OSError):
    """A file cannot be written; the message names it and the remedy.

    Attributes
    ----------
    path
        The file.
    problem
        What is wrong and its remedy, without what comes after.
    full
        Whether there was no room.
    """

    def __init__(self, path: str | Path, problem: str, then: str = "", *, full: bool = True) -> None:
        super().__init__(f"{path}: {problem}{', ' if then else ''}{then}")
        self.path, self.problem, self.full = Path(path), problem, full

    def going_on(self, then: str) -> DiskError:
        """Return the same error with how to resume once it is mended."""
        return DiskError(self.path, self.problem, then, full=self.full)


def explained(error: BaseException, path: str | Path) -> DiskError | None:
    """Return what an error, or one behind it, says of the disk that ``path`` is written to; None where nothing.

    >>> explained(RuntimeError("write failed: No space left on device"), "a.h5")
    DiskError('a.h5: no space left on the disk; free some, then give the same again; what was there is kept')
    """
    seen: BaseException | None = error
    while seen is not None:
        number = seen.errno if isinstance(seen, OSError) else None
        for each, said in FULL.items():
            if number == each or os.strerror(each) in str(seen):
                return DiskError(path, said, AGAIN)
        seen = seen.__cause__ or seen.__context__
    return None


def refused(error: OSError, path: str | Path) -> DiskError:
    """Return what an error of a folder, or of opening, moving or removing a file, says of ``path``."""
    if isinstance(error, DiskError):
        return error
    found = explained(error, path)
    said = REFUSED.get(error.errno or 0, f"cannot be written ({error.strerror or error})")
    return found or DiskError(path, said, full=False)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn errors of the disk within the block into a :class:`DiskError` that names ``path``.

    Raises
    ------
    DiskError
        There is no room.
    """
    try:
        yield
    except DiskError:
        raise
    except Exception as error:
        found = explained(error, path)
        if found is None:
            raise
        raise found from error


@contextmanager
def folder_for(path: str | Path) -> Iterator[None]:
    """Turn every error of the operating system within the block, which makes or moves ``path``, into one line.

    Raises
    ------
    DiskError
        It cannot be done.
    """
    try:
        yield
    except OSError as error:
        raise refused(error, path) from error


def made(folder: str | Path) -> Path:
    """Make a folder, and those above it, where they are not there; return it.

    Raises
    ------
    DiskError
        It cannot be made.
    """
    with folder_for(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


class Disk(io.RawIOBase):
    """A new file for libraries that do not survive an error while they write, as HDF5: it never gives them one.

    What does not fit is kept in memory, so that the library reads back what it wrote and closes in peace;
    :meth:`check` raises the first error, and so does the end of :func:`disk`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.file = path.open("w+b", buffering=0)
        self.error: OSError | None = None
        self.lost: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def writable(self) -> bool:
        """Whether it can be written: yes."""
        return True

    def seekable(self) -> bool:
        """Whether one can go to any place in it: yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self.file.tell()

    def write(self, content: Any, /) -> int:
        """Write bytes, to memory once an error has happened."""
        view = memoryview(content).cast("B")
        start, done = self.file.tell(), 0
        try:
            while self.error is None and done < len(view):
                done += self.file.write(view[done:]) or 0
        except OSError as error:
            self.error = error
        if done < len(view):
            self.lost.append((start + done, bytes(view[done:])))
            self.file.seek(start + len(view))
        return len(view)

    def readinto(self, buffer: Any, /) -> int:
        """Read bytes, those in memory too."""
        start, view = self.file.tell(), memoryview(buffer).cast("B")
        count = self.file.readinto(view) or 0
        for offset, content in self.lost:
            low, high = max(start, offset), min(start + len(view), offset + len(content))
            if low < high:
                view[count : low - start] = bytes(max(0, low - start - count))
                view[low - start : high - start] = content[low - offset : high - offset]
                count = max(count, high - start)
        self.file.seek(start + count)
        return count

    def truncate(self, size: int | None = None, /) -> int:
        """Make the file as long as said."""
        try:
            return self.file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.file.tell() if size is None else size

    def check(self) -> None:
        """Raise the first error of the disk, if there was any.

        Raises
        ------
        OSError
            There was one.
        """
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()


@contextmanager
def disk(path: Path) -> Iterator[Disk]:
    """Give a new file that a library writes to which does not survive an error.

    Raises
    ------
    OSError
        What was kept from the library.
    """
    file = Disk(path)
    try:
        yield file
        file.check()
    finally:
        file.close()
