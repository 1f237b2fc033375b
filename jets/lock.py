"""Who works in a folder: one process at a time, by a file that says who it is.

On one machine the kernel's lock on that file decides, which ends with the process that holds it, whatever ends it.
Where disks of several machines have no such lock, what the file says decides.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from jets.disk import made, refused
from jets.errors import UserError
from jets.heartbeat import beating
from jets.holder import Holder
from jets.notes import say

LOCK = ".lock"
"""Name of the file in a folder that is written into; it is there only meanwhile."""
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
"""What disks say that have no hard links."""
_held: dict[Path, tuple[int, int]] = {}
"""File -> thread that holds it, and how many times."""
_files: dict[Path, int] = {}
"""File that is held -> its descriptor."""
_guard = threading.Lock()


class Locked(UserError):
    """Another process works in a folder; the message says which, since when, and what to do."""


@contextlib.contextmanager
def locked(folder: str | Path, *, name: str = LOCK, wait: bool = False, beat: float = 0.0) -> Iterator[None]:
    """Be the one who works in a folder, which is made where it is not there and is empty again in the end.

    Within one thread it can be nested. What a process leaves that was killed is taken over, with a note.

    Parameters
    ----------
    folder, name
        Where the lock file lies, and its name, which for one file of the folder is ``.FILE.lock``.
    wait
        Wait for another process, with a note, rather than refuse.
    beat
        Seconds between two signs of life, by which other machines recognise a process that was lost; 0: none.

    Raises
    ------
    Locked
        Another process works in it, or another thread of this one.
    DiskError
        The folder cannot be written to.
    """
    above = missing(Path(folder))
    path = made(folder).resolve() / name
    try:
        first = entered(path, wait=wait)
        try:
            if not first:
                yield
                return
            file = _files[path] = acquired(path, Path(folder) / name, wait=wait, beat=beat)
            try:
                with beating(file, beat):
                    yield
            finally:
                del _files[path]
                released(path, file)
        finally:
            left(path)
    finally:
        for each in above:
            with contextlib.suppress(OSError):
                each.rmdir()


def missing(folder: Path) -> list[Path]:
    """Return a folder and those above it that are not there, the innermost first."""
    return [each for each in (folder, *folder.parents) if not each.exists()]


def entered(path: Path, *, wait: bool) -> bool:
    """Note that this thread holds a lock once more, after a ``wait`` for others; return whether it did not before.

    Raises
    ------
    Locked
        Another thread holds it.
    """
    own = threading.get_ident()
    while True:
        with _guard:
            thread, times = _held.get(path, (own, 0))
            if thread == own:
                _held[path] = own, times + 1
                return times == 0
        if not wait:
            raise Locked(f"{subject(path)}: another thread of this process works in it; wait for it")
        time.sleep(0.2)


def left(path: Path) -> None:
    """Note that this thread holds a lock once less."""
    with _guard:
        thread, times = _held.pop(path)
        if times > 1:
            _held[path] = thread, times - 1


def assert_held(folder: str | Path) -> None:
    """Assert that a folder that this process has locked is still its own, before anything is written there.

    Raises
    ------
    Locked
        Another process has taken it over, since this one gave no sign of life.
    """
    path = Path(folder).resolve() / LOCK
    file = _files.get(path)
    if file is not None and not is_there(path, file):
        raise Locked(
            f"{folder}: another process has taken it over, since this one gave no sign of life, stopped or cut off "
            f"from the disk; nothing more is written there"
        )


def acquired(path: Path, shown: Path, *, wait: bool, beat: float = 0.0) -> int:
    """Return the open lock file, which names this process.

    Raises
    ------
    Locked
        Another process holds it.
    DiskError
        It cannot be written.
    """
    said = False
    while True:
        try:
            file = created(path, beat)
            if file is not None:
                return file
            file = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError as error:
            if path.parent.is_dir():  # removed by whoever held it, between the two calls
                continue
            raise refused(error, subject(shown)) from error
        except OSError as error:
            raise refused(error, subject(shown)) from error
        try:
            mine, holder = is_mine(file), Holder.read(file)
            if not is_there(path, file):  # removed by whoever held it, between the two calls
                os.close(file)
                continue
            if mine and not holds(holder, file):
                taken_over(file, holder, shown, beat)
                return file
            message = refusal(shown, holder, mine)
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not wait or mine:
            raise Locked(message)
        if not said:
            say(f"{message.partition(';')[0]}; waiting for it")
            said = True
        time.sleep(0.2)


def created(path: Path, beat: float) -> int | None:
    """Return a new lock file, which names this process from its first moment on; None: there is one already.

    A hard link appears at once, with its content, and to one process alone, also where disks of several machines have
    no lock of the kernel.

    Raises
    ------
    OSError
        It cannot be written.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        is_mine(file)
        named(file, beat)
        os.link(temporary, path)
    except FileExistsError:
        os.close(file)
        return None
    except OSError as error:
        os.close(file)
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666))
        return None
    finally:
        temporary.unlink(missing_ok=True)
    return file


def is_mine(file: int) -> bool:
    """Whether this process gets the kernel's lock, or there is none on this disk."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows
        return True
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR)
    return True


def is_there(path: Path, file: int) -> bool:
    """Whether an open file is still that of this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def holds(holder: Holder | None, file: int) -> bool:
    """Whether who is named in a lock file, on which the kernel has no lock, may still be at work."""
    return holder is not None and holder.inode == os.fstat(file).st_ino and not holder.gone


def refusal(shown: Path, holder: Holder | None, mine: bool) -> str:
    """Return the line on who holds a lock."""
    who = "another process" if holder is None else str(holder)
    if not mine:
        return f"{subject(shown)}: {who} works in it; wait for its end, or stop it"
    return f"{subject(shown)}: {who} works in it, or was killed there; if it is gone, remove {shown}"


def subject(lock: Path) -> Path:
    """Return what a lock file is of: its folder, or a file there.

    >>> subject(Path("run/.lock")).name, subject(Path("run/.pairs.h5.lock")).name
    ('run', 'pairs.h5')
    """
    return lock.parent if lock.name == LOCK else lock.with_name(lock.name[1:].removesuffix(".lock"))


def taken_over(file: int, before: Holder | None, shown: Path, beat: float) -> None:
    """Name this process in the lock file; say so where another was named.

    Raises
    ------
    DiskError
        It cannot be written.
    """
    if before is not None and before.inode == os.fstat(file).st_ino:
        say(f"{subject(shown)}: {before} was killed; its lock is taken over")
    try:
        named(file, beat)
    except OSError as error:
        with contextlib.suppress(OSError):
            shown.unlink()
        raise refused(error, subject(shown)) from error


def named(file: int, beat: float) -> None:
    """Name this process in an open lock file."""
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(asdict(Holder.own(os.fstat(file).st_ino, beat))).encode(), 0)


def released(path: Path, file: int) -> None:
    """Remove the lock file; whoever comes next makes another."""
    with contextlib.suppress(OSError):
        if is_there(path, file):
            path.unlink()
    os.close(file)
