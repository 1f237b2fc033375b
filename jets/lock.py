"""Who works in a folder: one process at a time, by a file that says who it is.

On one machine the kernel's lock on that file decides, which ends with the process that holds it, whatever ends it.
Where disks of several machines have no such lock, what the file says decides.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from jets.disk import made, refused
from jets.errors import UserError

LOCK = ".lock"
"""Name of the file in a folder that is written into; it is there only meanwhile."""
_held: dict[Path, tuple[int, int]] = {}
"""File -> thread that holds it, and how many times."""
_guard = threading.Lock()


class Locked(UserError):
    """Another process works in a folder; the message says which, since when, and what to do."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    host, boot
        The machine, and the number of its last start.
    pid, started
        The process, and when it began, in ticks since the machine's start.
    since, command
        Local time, and what it was called with.
    inode
        Of the lock file: in a copy of the folder it is another.
    """

    host: str
    boot: str
    pid: int
    started: str
    since: str
    command: str
    inode: int

    @classmethod
    def own(cls, inode: int) -> Holder:
        """Return this process."""
        words = " ".join([os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]]) if sys.argv else "python"
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        return cls(socket.gethostname(), boot(), os.getpid(), start_of(os.getpid()), now, words[:200], inode)

    @classmethod
    def read(cls, file: int) -> Holder | None:
        """Return whom an open lock file names; None where it is empty or torn."""
        try:
            content = json.loads(os.pread(file, 4096, 0).decode())
            return cls(**{name: kind(content[name]) for name, kind in KINDS.items()})
        except (OSError, ValueError, LookupError, TypeError, OverflowError):
            return None

    @property
    def gone(self) -> bool:
        """Whether the process has ended, as far as can be seen from here."""
        if self.boot and self.boot == boot():
            return start_of(self.pid) != self.started
        return self.host == socket.gethostname()

    def __str__(self) -> str:
        words = f"process {self.pid} on {self.host} since {self.since} ({self.command})"
        return "".join(each if each.isprintable() else "?" for each in words)


KINDS: dict[str, type] = {"host": str, "boot": str, "pid": int, "started": str} | {
    "since": str,
    "command": str,
    "inode": int,
}


@cache
def boot() -> str:
    """Return the number of the machine's last start; empty where there is none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def start_of(pid: int) -> str:
    """Return when a process began, in ticks since the machine's start; empty where there is no such process."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return ""


@contextlib.contextmanager
def locked(folder: str | Path, *, name: str = LOCK, wait: bool = False) -> Iterator[None]:
    """Be the one who works in a folder, which is made where it is not there and is empty again in the end.

    Within one thread it can be nested. What a process leaves that was killed is taken over, with a note.

    Parameters
    ----------
    folder, name
        Where the lock file lies, and its name, which for one file of the folder is ``.FILE.lock``.
    wait
        Wait for another process, with a note, rather than refuse.

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
            file = acquired(path, Path(folder) / name, wait=wait) if first else None
            try:
                yield
            finally:
                if file is not None:
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


def acquired(path: Path, shown: Path, *, wait: bool) -> int:
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
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise refused(error, subject(shown)) from error
        try:
            mine, holder = is_mine(file), Holder.read(file)
            if not is_there(path, file):  # removed by whoever held it, between the two calls
                os.close(file)
                continue
            if mine and not holds(holder, file):
                taken_over(file, holder, shown)
                return file
            message = refusal(shown, holder, mine)
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not wait or mine:
            raise Locked(message)
        if not said:
            print(f"note: {message.partition(';')[0]}; waiting for it", file=sys.stderr, flush=True)
            said = True
        time.sleep(0.2)


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


def taken_over(file: int, before: Holder | None, shown: Path) -> None:
    """Name this process in the lock file; say so where another was named.

    Raises
    ------
    DiskError
        It cannot be written.
    """
    if before is not None and before.inode == os.fstat(file).st_ino:
        print(f"note: {subject(shown)}: {before} was killed; its lock is taken over", file=sys.stderr, flush=True)
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(asdict(Holder.own(os.fstat(file).st_ino))).encode(), 0)
    except OSError as error:
        with contextlib.suppress(OSError):
            shown.unlink()
        raise refused(error, subject(shown)) from error


def released(path: Path, file: int) -> None:
    """Remove the lock file; whoever comes next makes another."""
    with contextlib.suppress(OSError):
        if is_there(path, file):
            path.unlink()
    os.close(file)
