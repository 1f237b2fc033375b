"""A program of its own that reads files first, for the checker beside it: it may hang, crash or run out of memory.

It answers each line of standard input, a path, with a line: what is wrong with the file, or nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable

from jets.untrusted.hdf5_walk import PER_SECOND, ROOM, fault, words

SECONDS = 3
"""Processor time of the check of a file, beside that of its size."""


def bounded(size: int, base: int) -> None:
    """Bound this process' processor time, and its memory, for the check of a file of ``size`` bytes, where it can be.

    ``base`` is the memory that the process needs by itself [bytes]; 0 where that is not known.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime + SECONDS + size / PER_SECOND) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    if base:
        resource.setrlimit(resource.RLIMIT_AS, (base + ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))


def walker(path: str) -> Callable[[str], str | None]:
    """Return what reads a file, by its first bytes."""
    with open(path, "rb") as file:
        if file.read(4) not in (b"root", b"PAR1"):
            return fault
    from jets.untrusted.root_and_parquet import (
        tried,  # uproot, awkward, pyarrow: a second that HDF5 files need not wait for
    )

    return tried


def mapped() -> int:
    """Return the memory that this process has mapped [bytes]; 0 where that is not known."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main() -> None:
    """Answer each path with what is wrong with its file."""
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        path = json.loads(line)
        try:
            walk = walker(path)
            bounded(os.path.getsize(path), mapped())
            answer = walk(path)
        except Exception as error:
            answer = f"cannot be read ({words(error)}); see docs/data.md"
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


if __name__ == "__main__":
    main()
