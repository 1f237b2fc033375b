"""Simulate jets: ``python -m jets.simulate {qcd,top,w} --n 10000 --seed 0 --out F``.

Pythia 8 proton collisions at 14 TeV, a light particle-flow detector, and the leading anti-kT jet (R = 0.8) of each
event, with 550 < pT < 650 GeV and |eta| < 2. Killed at any moment, the same command continues where it was and ends
with the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import filecmp
import itertools
import multiprocessing
import os
import shutil
import sys
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from jets import sample_file
from jets.block import CLASSES, Config
from jets.generator import SimulationError
from jets.partial import begin, ensure_block, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NEEDS = ("pythia8mc", "fastjet", "awkward")
# Without a single jet in so many events the cuts and the generator do not meet.
HOPELESS_EVENTS = 40_000


def simulate(config: Config, out: Path, jobs: int = 1) -> float:
    """Simulate a sample into a new HDF5 file and return how many jets per second this call made.

    Parameters
    ----------
    config : what to simulate.
    out : the file; while it is unfinished, finished blocks wait in the folder ``out.partial``.
    jobs : processes; the file does not depend on it.

    Raises
    ------
    SimulationError
        If the file exists, if the folder was begun with other arguments, or if no jet is accepted.
    """
    folder = folder_of(out)
    if out.exists() and not folder.exists():
        raise SimulationError(f"{out} exists and is not overwritten: give another --out or delete it")
    if not out.parent.is_dir():
        raise SimulationError(f"{out.parent} is no folder: create it or give another --out")
    begin(folder, config)
    began = perf_counter()
    counts = _count_blocks(config, folder, jobs)
    _finish(config, folder, out, counts)
    return config.n / (perf_counter() - began)


def _count_blocks(config: Config, folder: Path, jobs: int) -> list[int]:
    """Make blocks until they hold enough jets; their numbers of jets, in order."""
    counts: list[int] = []
    with _progress() as progress, _Blocks(config, folder, jobs) as blocks:
        task = progress.add_task(config.process, total=config.n)
        for count in blocks:
            counts.append(count)
            progress.update(task, completed=min(sum(counts), config.n))
            if sum(counts) >= config.n:
                break
            if not sum(counts) and len(counts) * config.events_per_block >= HOPELESS_EVENTS:
                raise SimulationError(
                    f"no jet accepted in {HOPELESS_EVENTS} events: jets have 550 < pT < 650 GeV, so the pTHat window "
                    f"[{config.pthat_min}, {config.pthat_max}] GeV should contain it"
                )
    return counts


class _Blocks:
    """Numbers of jets of blocks 0, 1, ... in order, made in this process or by several."""

    def __init__(self, config: Config, folder: Path, jobs: int) -> None:
        self.arguments, self.jobs = (folder, config), jobs
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(jobs, context, initializer=_end_with_parent) if jobs > 1 else None

    def __enter__(self) -> _Blocks:
        return self

    def __iter__(self) -> Iterator[int]:
        if self.pool is None:
            yield from (ensure_block(*self.arguments, block) for block in itertools.count())
            return
        waiting = deque(self.pool.submit(ensure_block, *self.arguments, block) for block in range(self.jobs))
        for block in itertools.count(self.jobs):
            yield waiting.popleft().result()
            waiting.append(self.pool.submit(ensure_block, *self.arguments, block))

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End a worker when its parent is killed, rather than let it wait for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _finish(config: Config, folder: Path, out: Path, counts: list[int]) -> None:
    """Write the file beside the blocks, move it into place, and drop the blocks."""
    whole = folder / "whole.h5"
    sample_file.write(whole, folder, config, counts)
    # Killed between the last two steps of an earlier run, the file is there and the folder as well.
    if out.exists() and not filecmp.cmp(whole, out, shallow=False):
        raise SimulationError(f"{out} exists and is another sample: delete it, or give another --out")
    whole.replace(out)
    shutil.rmtree(folder)


class _Rate(ProgressColumn):
    """Jets per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} jets/s" if task.speed else "")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), speed_estimate_period=600)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"jets.simulate: {message}\n")


def _at_least(minimum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.lstrip("+-").isdigit() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}, got {text!r}")
        return int(text)

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "python -m jets.simulate", description="Simulate jets of 550 < pT < 650 GeV; see docs/simulation.md"
    )
    parser.add_argument("process", choices=CLASSES)
    parser.add_argument("--n", type=_at_least(1), default=10_000, help="jets (%(default)s)")
    parser.add_argument("--seed", type=_at_least(0), default=0, help="of everything (%(default)s)")
    parser.add_argument("--out", type=Path, help="HDF5 file (PROCESS.h5)")
    parser.add_argument("--mpi", action="store_true", help="multiparton interactions on")
    parser.add_argument("--max-constituents", type=_at_least(1), default=80, help="stored per jet (%(default)s)")
    parser.add_argument("--pthat-min", type=float, default=450.0, help="GeV, qcd and top only (%(default)s)")
    parser.add_argument("--pthat-max", type=float, default=1200.0, help="GeV, qcd and top only (%(default)s)")
    parser.add_argument("--jobs", type=_at_least(1), default=1, help="processes (%(default)s)")
    parser.add_argument("--events-per-block", type=_at_least(1), default=2000, help="between seeds (%(default)s)")
    parser.add_argument("--compact", action="store_true", help="small file: int16 constituents, rounded numbers")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status: 0, 2 for a request that cannot be met, 130 if interrupted."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    out, jobs = options.pop("out") or Path(f"{options['process']}.h5"), options.pop("jobs")
    config = Config(**options)
    if not 0 < config.pthat_min < config.pthat_max < 7000:
        parser.error(f"expected 0 < --pthat-min < --pthat-max < 7000, got {config.pthat_min} and {config.pthat_max}")
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        parser.error(f"{' and '.join(missing)} not installed: pip install '.[simulate]'")
    try:
        rate = simulate(config, out, jobs)
    except (SimulationError, OSError) as error:
        parser.error(str(error))
    except BrokenExecutor:
        parser.error(
            "a process of --jobs was killed (out of memory?): the same command continues, also with fewer jobs"
        )
    except KeyboardInterrupt:
        sys.stderr.write(f"jets.simulate: interrupted; the same command continues from {folder_of(out)}\n")
        return 130
    # The papers stand in for the banner of fastjet, which asks to be cited.
    print(f"{config.n} {config.process} jets, {rate:.0f} per second (Pythia arXiv:2203.11601, FastJet arXiv:1111.6097)")
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
