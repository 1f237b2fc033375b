"""Damaged files, many of them, in a bounded time: ``python -m tests.fuzz --seconds 1200``.

Each kind gets its share of the cases; a table at the end says what they came to. A failure names its kind and number:
``python -m tests.fuzz --kinds "own HDF5" --case 1234 --keep FILE`` tries that one alone and keeps its input.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import KINDS
from .watch import Found, table, watched
from .worker import Sound


def main() -> int:
    """Try cases; return 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="in all [100000]")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="most time of all cases, workers' starts aside"
    )
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS), metavar="KIND", help="[all]")
    parser.add_argument("--seed", type=int, default=0, help="of the damage [0]")
    parser.add_argument("--first", type=int, default=0, help="number of each kind's first case [0]")
    parser.add_argument("--jobs", type=int, default=2, help="workers at once [2]")
    parser.add_argument("--case", type=int, help="number of the one case to try")
    parser.add_argument("--keep", type=Path, help="where to write the input of that case")
    options = parser.parse_args()
    if options.case is not None:
        return one(options.kinds[0], options.seed, options.case, options.keep)
    found = tried(options)
    for each in found:
        for number, verdict, words in each.failures[:20]:
            print(f'--kinds "{each.kind}" --seed {options.seed} --case {number}: {verdict}: {words}')
    print("\n".join(table(found)))
    return int(any(each.failures for each in found))


def tried(options: argparse.Namespace) -> list[Found]:
    """Try each kind's share of the cases, several kinds at once."""
    whole = sum(KINDS[name].weight for name in options.kinds)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:

        def of(name: str) -> Found:
            count = max(1, round(options.cases * KINDS[name].weight / whole))
            share = options.seconds * KINDS[name].weight / whole * options.jobs
            found = watched(name, options.seed, options.first, options.first + count, Path(folder), share)
            print(f"{name}: {dict(found.counts)}", file=sys.stderr)
            return found

        return list(pool.map(of, options.kinds))


def one(kind: str, seed: int, number: int, keep: Path | None) -> int:
    """Try one case in this process, and say what it came to."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Sound(KINDS[kind], Path(folder) / "one")
        path, content, which = sound.case(seed, number)
        if keep:
            keep.write_bytes(content)
        print(path.name, *sound.of(path, content, which))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
