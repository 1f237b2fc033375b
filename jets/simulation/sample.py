"""The run over the blocks of a sample, by one process or several, to its file.

Pythia 8 proton collisions at 14 TeV, a light particle-flow detector, and the leading anti-kT jet (R = 0.8) of each
event, with 550 < pT < 650 GeV and ``|eta| < 2``. Killed at any moment, the same call continues where it was and ends
with the same file, byte for byte.
"""

from __future__ import annotations

import contextlib
import filecmp
import itertools
import shutil
from collections import deque
from concurrent.futures import BrokenExecutor
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from jets.files import replacing
from jets.lock import locked
from jets.on_dask import width
from jets.processes import workers
from jets.progress import Progress
from jets.simulation import sample_file
from jets.simulation.config import Config, SimulationError
from jets.simulation.unfinished import begin, ensure_block, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

NEEDS = ("pythia8mc", "fastjet", "awkward")
# Without a single jet in so many events the cuts and the generator do not meet.
TRIES, PAUSE = 20, 0.2
"""How often, and after how many seconds, a folder in which others write is tried to be removed again."""
HOPELESS_EVENTS = 40_000


def files(config: Config, out: Path) -> dict[str, Path]:
    """Return the file of each level of a sample: ``out``, or where there are several ``out`` with the level's name.

    >>> {level: path.name for level, path in files(Config("w", level=("parton", "hadron")), Path("w.h5")).items()}
    {'parton': 'w_parton.h5', 'hadron': 'w_hadron.h5'}
    """
    if len(config.level) == 1:
        return {config.level[0]: out}
    return {level: out.with_name(f"{out.stem}_{level}{out.suffix}") for level in config.level}


def simulate(config: Config, out: str | Path, jobs: int = 1, dask: str | None = None) -> float:
    """Simulate a sample into a new HDF5 file and return how many jets per second this call made.

    Parameters
    ----------
    config
        What to simulate.
    out
        The file, of several levels one each (:func:`files`); while it is unfinished, finished blocks wait in the
        folder ``out.partial``.
    jobs
        Processes; the file does not depend on their number.
    dask
        Address of a scheduler whose workers make the blocks, all at a time, in place of ``jobs`` processes; "": of one
        of this machine's cores. They share the disk of ``out``.

    Raises
    ------
    SimulationError
        If the generator is not installed, the file exists, the folder was begun with other arguments, no jet is
        accepted, or a process is killed.
    Locked
        Another process simulates this sample.
    DiskError
        A file cannot be written; the same call continues.
    ClusterError
        The dask cluster cannot be used; the same call continues.
    """
    out = Path(out)
    folder = folder_of(out)
    _check(list(files(config, out).values()), folder, jobs)
    with locked(folder):
        begin(folder, config)
        began = perf_counter()
        try:
            counts = _count_blocks(config, folder.resolve(), jobs, dask)
        except BrokenExecutor as error:
            raise SimulationError(
                f"a process of {jobs} was killed (out of memory?): the same command continues, also with fewer --jobs"
            ) from error
        _finish(config, folder, out, counts)
    return config.n / (perf_counter() - began)


def _check(outs: Sequence[Path], folder: Path, jobs: int) -> None:
    """Refuse what cannot be done before anything is written."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise SimulationError(f"{' and '.join(missing)} not installed: pip install '.[simulate]'")
    if jobs < 1:
        raise SimulationError(f"jobs is {jobs}; expected a whole number of at least 1")
    for out in outs:
        if out.exists() and not folder.exists():
            raise SimulationError(f"{out} exists and is not overwritten: give another --out or delete it")
    if not folder.parent.is_dir():
        raise SimulationError(f"{folder.parent} is no folder: create it or give another --out")


def _count_blocks(config: Config, folder: Path, jobs: int, dask: str | None) -> list[int]:
    """Make blocks until they hold enough jets; return their numbers of jets, in order."""
    counts: list[int] = []
    with Progress(config.n, config.process) as progress, workers(jobs, dask=dask) as pool:
        at_once = width(pool) if pool is not None and dask is not None else jobs
        for count in _blocks(config, folder, pool, at_once):
            counts.append(count)
            progress.update(min(sum(counts), config.n))
            if sum(counts) >= config.n:
                break
            if not sum(counts) and len(counts) * config.events_per_block >= HOPELESS_EVENTS:
                raise SimulationError(
                    f"no jet accepted in {HOPELESS_EVENTS} events: jets have 550 < pT < 650 GeV, so the pTHat window "
                    f"[{config.pthat_min}, {config.pthat_max}] GeV should contain it"
                )
    return counts


def _blocks(config: Config, folder: Path, pool: Executor | None, jobs: int) -> Iterator[int]:
    """Yield the numbers of jets of blocks 0, 1, ... in order, made in this process or by those of a pool."""
    if pool is None:
        yield from (ensure_block(folder, config, block) for block in itertools.count())
        return
    waiting = deque(pool.submit(ensure_block, folder, config, block) for block in range(jobs))
    for block in itertools.count(jobs):
        yield waiting.popleft().result()
        waiting.append(pool.submit(ensure_block, folder, config, block))


def _finish(config: Config, folder: Path, out: Path, counts: list[int]) -> None:
    """Write the files among the blocks, move them into place, and drop the blocks."""
    for level, path in files(config, out).items():
        with replacing(path, folder) as whole:
            sample_file.write(whole, folder, config, counts, level)
            # Killed between the last two steps of an earlier run, the file is there and the folder as well.
            if path.exists() and not filecmp.cmp(whole, path, shallow=False):
                raise SimulationError(f"{path} exists and is another sample: delete it, or give another --out")
    remove(folder)


def remove(folder: Path) -> None:
    """Remove the folder of the blocks, in which a process of a cluster may still be writing one that is not needed."""
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        if not folder.exists():
            return
        sleep(PAUSE)
    shutil.rmtree(folder)
