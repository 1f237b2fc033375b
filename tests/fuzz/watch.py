"""Watches workers: a case that hangs is killed, one that crashes is noted, and the next case gets a new worker."""

from __future__ import annotations

import ast
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .worker import REFUSED, SAME, VALUES

CRASH, HANG, START_FAILED = "crash", "hang", "no start"
RIGHT = (REFUSED, SAME, VALUES)
"""What a case may come to."""
WORKER = ("-m", "tests.fuzz.worker")
"""What Python runs."""
SECONDS, START = 20.0, 120.0
"""For one case, and for a worker to make its sound files."""
BUSY = 10
"""How many times as long a case may take that has not had so much processor time: other work runs beside it."""


@dataclass
class Found:
    """What the cases of a kind came to."""

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0

    def add(self, number: int, verdict: str, words: str, seconds: float) -> None:
        """Count a case."""
        self.counts[verdict] += 1
        self.slowest = max(self.slowest, seconds)
        self.seconds += seconds
        if verdict not in RIGHT:
            self.failures.append((number, verdict, words))


def watched(kind: str, seed: int, first: int, last: int, folder: Path, most: float = float("inf")) -> Found:
    """Try cases of a kind in workers, until the last, or until they took ``most`` seconds."""
    found = Found(kind)
    while first < last and found.seconds < most:
        first = one_worker(found, seed, first, last, folder, most)
    return found


def one_worker(found: Found, seed: int, first: int, last: int, folder: Path, most: float) -> int:
    """Try cases in one worker until it ends; return the case to go on with."""
    words = [sys.executable, *WORKER, found.kind, str(seed), str(first), str(last), str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            return follow(found, patient(lines(process.stdout), process.pid), first, most)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def follow(found: Found, said: Callable[[float], str | None], first: int, most: float) -> int:
    """Count what a worker says; return the case after the last one that it began."""
    hello = said(START)
    if hello != "ready":
        found.add(first, START_FAILED, ast.literal_eval(hello[7:]) if hello else "no sound files in time", 0.0)
        return sys.maxsize
    number = first - 1
    while found.seconds < most:
        line = said(SECONDS)
        if not line:  # between two cases it has done them all; within one it died
            return number + 1
        number, start = int(line.split()[1]), time.monotonic()
        end = said(SECONDS)
        seconds = time.monotonic() - start
        if not end:
            found.add(number, HANG if end is None else CRASH, "", seconds)
            return number + 1
        _, verdict, words = end.split(" ", 2)
        found.add(number, verdict, ast.literal_eval(words), seconds)
    return number + 1


def patient(said: Callable[[float], str | None], session: int) -> Callable[[float], str | None]:
    """Return what gives the next line within seconds of processor time of a session, or ten times as many seconds."""

    def line(seconds: float) -> str | None:
        start = spent(session)
        for _ in range(BUSY):
            found = said(seconds)
            if found is not None or spent(session) - start >= seconds:
                return found
        return None

    return line


def spent(session: int) -> float:
    """Return the processor time [s] of the processes of a session, with that of their children that ended."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def lines(stream: IO[str]) -> Callable[[float], str | None]:
    """Return what gives the next line within some seconds: "" at the end, None where there is none in time."""
    buffer = bytearray()
    handle = stream.fileno()

    def line(seconds: float) -> str | None:
        until = time.monotonic() + seconds
        while b"\n" not in buffer:
            ready = select.select([handle], [], [], max(0.0, until - time.monotonic()))[0]
            if not ready:
                return None
            piece = os.read(handle, 65536)
            if not piece:
                return ""
            buffer.extend(piece)
        text, _, rest = bytes(buffer).partition(b"\n")
        buffer[:] = rest
        return text.decode()

    return line


def table(found: list[Found]) -> Iterator[str]:
    """Say what the cases of each kind came to, a line each, and all."""
    bad = sorted({verdict for each in found for verdict in each.counts} - set(RIGHT))
    columns = [*RIGHT, *bad]
    yield f"{'kind':<24}{'cases':>9}" + "".join(f"{name:>11}" for name in columns) + f"{'slowest':>10}"
    total = Found("all", sum((each.counts for each in found), Counter()))
    total.slowest = max((each.slowest for each in found), default=0.0)
    for each in [*sorted(found, key=lambda each: each.kind), total]:
        counts = "".join(f"{each.counts[name]:>11,}" for name in columns)
        yield f"{each.kind:<24}{sum(each.counts.values()):>9,}{counts}{each.slowest:>8.1f} s"
