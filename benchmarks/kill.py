"""Kill long commands at random moments and resume as the documentation says: ``python -m benchmarks.kill --times 20``.

Each kind is run once undisturbed, then killed (SIGKILL) so many times, each time resumed by the documented
command, until it ends; what ended is compared with the undisturbed result and begun anew. After every kill each file
that is there must be whole; in the end no temporary file and no lock may be left. The table says how many kills came
before anything was written, and what was wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.kill_kinds import KINDS, Kind


@dataclass
class Tally:
    """What the kills of one kind came to."""

    kills: int = 0
    before: int = 0
    ends: int = 0
    problems: list[str] = field(default_factory=list)


def child(work: Callable[[Path], Any], out: Path) -> int:
    """Begin work in a process of its own, which shares what is imported; return its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        code = int(work(out) or 0)
    finally:
        os._exit(code)


def ended(pid: int, seconds: float) -> int | None:
    """Wait so long for a process; return its exit status, None if it is still there."""
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def begun(kind: Kind, folder: Path) -> None:
    """Put there what a kind needs: in a process of its own, as threads of this one would not be there in the others."""
    ended(child(kind.begin, folder), 600)


def undisturbed(kind: Kind, out: Path) -> float:
    """Run a kind to its end; return the seconds that it took."""
    start = time.perf_counter()
    code = ended(child(kind.work, out), 600)
    if code:
        raise RuntimeError(f"{kind.name}: ended with {code} undisturbed")
    return time.perf_counter() - start


def disturbed(kind: Kind, folder: Path, times: int, generator: random.Random) -> Tally:
    """Kill a kind so many times; return what came of it."""
    tally, whole, out = Tally(), folder / "whole" / kind.out, folder / "killed" / kind.out
    for path in (whole, out):
        begun(kind, path.parent)
    seconds = undisturbed(kind, whole)
    while tally.kills < times or not tally.ends:
        pid = child(kind.work, out)
        wait = generator.uniform(0, kind.reach * seconds) if tally.kills < times else 600
        code = ended(pid, wait)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            tally.kills += 1
            tally.before += not kind.begun(out)
            tally.problems += [f"kill {tally.kills}: {each}" for each in kind.broken(out, whole)]
            continue
        tally.ends += 1
        tally.problems += [f"ended with {code}"] * (code != 0) + [f"in the end: {each}" for each in left(out.parent)]
        tally.problems += [f"in the end: {each}" for each in kind.differences(whole, out)]
        shutil.rmtree(out.parent)
        begun(kind, out.parent)
    return tally


def left(folder: Path) -> list[str]:
    """Return the temporary files and locks below a folder."""
    found = sorted(path for path in folder.rglob(".*") if path.name.endswith((".tmp", ".lock")))
    return [f"{path.name} is left" for path in found]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="kills of each kind [20]")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="K")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    options = parser.parse_args(arguments)
    problems: list[str] = []
    print(f"{'kind':12} {'kills':>5} {'before anything was written':>28} {'ends':>5} {'problems':>8} {'seconds':>8}")
    for name in options.kinds:
        kind = KINDS[name]
        if any(find_spec(each) is None for each in kind.needs):
            print(f"{name:12} left out: {' and '.join(kind.needs)} not installed")
            continue
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            tally = disturbed(kind, Path(folder), options.times, random.Random(options.seed))
        row = f"{name:12} {tally.kills:5} {tally.before:28} {tally.ends:5} {len(tally.problems):8}"
        print(f"{row} {time.perf_counter() - start:8.1f}", flush=True)
        problems += [f"{name}: {each}" for each in tally.problems]
    print("\n".join(dict.fromkeys(problems)))
    print("FAIL" if problems else "PASS: every result equals the undisturbed one")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
