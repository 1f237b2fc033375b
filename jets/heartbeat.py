"""Signs of life: a process that holds a lock changes the time of its file; one whose time stands still was lost.

No clock is read but that of the one who watches: times of a file are compared with one another alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from jets.holder import Holder
from jets.notes import say

BEAT = 10.0
"""Seconds between two signs of life."""
PATIENCE = 120.0
"""Seconds without one after which a process of another machine is taken for lost."""
MISSED = 4
"""Signs that must be missing at least, however short the patience."""


@contextlib.contextmanager
def beating(file: int, seconds: float) -> Iterator[None]:
    """Change the time of an open file every few ``seconds`` meanwhile; 0: never."""
    if not seconds:
        yield
        return
    over = threading.Event()

    def beat() -> None:
        while not over.wait(seconds):
            with contextlib.suppress(OSError):
                os.utime(file)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Watch:
    """A look, again and again, at locks of processes of other machines, for those that were lost.

    A process that lives on this machine is never taken for lost, nor one that promised no signs of life.

    Parameters
    ----------
    patience
        Seconds without a sign.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.seen: dict[Path, tuple[tuple[int, ...], float]] = {}
        self.living: set[Path] = set()

    def removes(self, lock: Path) -> bool:
        """Look at a lock file; remove it if its process was lost, with a note, and say whether it was removed."""
        found = looked_at(lock)
        if found is None:
            self.seen.pop(lock, None)
            return False
        holder, mark = found
        now = time.monotonic()
        before, since = self.seen.get(lock, ((), now))
        if mark != before:
            self.seen[lock] = mark, now
            (self.living.add if before[:1] == mark[:1] else self.living.discard)(lock)
            return False
        if now - since < max(self.patience, MISSED * holder.beat) or not removed(lock, mark):
            return False
        say(f"{lock.parent}: {holder} gave no sign of life for {now - since:.0f} s and is taken for lost")
        return True

    def doubts(self, lock: Path) -> bool:
        """Whether the process of a lock may still turn out to be lost: it gave no sign since it was seen first."""
        return lock in self.seen and lock not in self.living


def looked_at(lock: Path) -> tuple[Holder, tuple[int, ...]] | None:
    """Return who holds a lock, and the marks of its last sign of life; None: nobody who watches for them."""
    try:
        file = os.open(lock, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        holder, status = Holder.read(file), os.fstat(file)
    finally:
        os.close(file)
    if holder is None or not holder.beat > 0 or holder.alive:
        return None
    return holder, (status.st_ino, status.st_mtime_ns)


def removed(lock: Path, mark: tuple[int, ...]) -> bool:
    """Remove a lock file with these marks; put back one that has others, of a process that was quicker."""
    grave = lock.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        lock.rename(grave)
    except FileNotFoundError:
        return False
    try:
        found = looked_at(grave)
        same = found is not None and found[1] == mark
        if not same:
            with contextlib.suppress(FileExistsError):
                os.link(grave, lock)
        return same
    finally:
        grave.unlink(missing_ok=True)
