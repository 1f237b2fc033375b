"""Who holds a lock: a process of a machine, as its lock file says."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path


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
    beat
        Seconds between two signs of life, each a new time of the lock file's last change; 0: it gives none.
    """

    host: str
    boot: str
    pid: int
    started: str
    since: str
    command: str
    inode: int
    beat: float = 0.0

    @classmethod
    def own(cls, inode: int, beat: float = 0.0) -> Holder:
        """Return this process."""
        words = " ".join([os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]]) if sys.argv else "python"
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        return cls(socket.gethostname(), boot(), os.getpid(), start_of(os.getpid()), now, words[:200], inode, beat)

    @classmethod
    def read(cls, file: int) -> Holder | None:
        """Return whom an open lock file names; None where it is empty or torn."""
        try:
            content = json.loads(os.pread(file, 4096, 0).decode())
            beat = float(content.get("beat", 0.0))  # a version of before gave no sign
            return cls(**{name: kind(content[name]) for name, kind in KINDS.items()}, beat=beat)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):
            return None

    @property
    def gone(self) -> bool:
        """Whether the process is seen to have ended from here."""
        if self.boot and self.boot == boot():
            return start_of(self.pid) != self.started
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the process is seen to live, on this machine."""
        return bool(self.boot) and self.boot == boot() and start_of(self.pid) == self.started

    def __str__(self) -> str:
        words = f"process {self.pid} on {self.host} since {self.since} ({self.command})"
        return "".join(each if each.isprintable() else "?" for each in words)


KINDS: dict[str, type] = {"host": str, "boot": str, "pid": int, "started": str} | {
    "since": str,
    "command": str,
    "inode": int,
}


DEAD = ("Z", "X", "x")
"""States of a process that has ended."""


@cache
def boot() -> str:
    """Return the number of the machine's last start; empty where there is none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def start_of(pid: int) -> str:
    """Return when a process began, in ticks since the machine's start; empty where there is none, or only its remains.

    What is left of a process whose parent has not asked how it ended holds no lock.
    """
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = text.rpartition(")")[2].split()
        return "" if state in DEAD else fields[18]
    return ""
