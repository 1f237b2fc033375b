"""Work on a scan: any number of processes, on machines that share its folder, each training what nobody else has.

There is no scheduler: what is to be done, what is being done and what is finished lies in the folder. A process takes a
run by the lock of its folder, which ends with the process, or, of another machine, when that gives no sign of life
(:mod:`jets.heartbeat`); whoever takes it next resumes from its last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inference.alone import alone
from inference.folder import REPLICAS, RunFolder
from inference.machine import tune_cpu
from inference.recipe import RecipeError
from inference.records import RunError
from inference.run import Run
from inference.scan import folders
from inference.training import train_many
from jets.heartbeat import PATIENCE, Watch
from jets.lock import LOCK, Locked
from jets.notes import LOG

FAILURE = "failure.txt"
"""Why a training failed, in its folder: nobody tries it again unasked."""
LOOK = 2.0
"""Seconds between two checks of runs that others train."""


@dataclass
class Worked:
    """What a worker did of a scan.

    Attributes
    ----------
    trained
        Runs that it finished.
    failed
        Run -> why it failed, with whoever tried it.
    elsewhere
        Runs that other processes were training when it ended.
    """

    trained: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    elsewhere: list[Path] = field(default_factory=list)


def work(
    folder: str | Path,
    *,
    part: tuple[int, int] = (1, 1),
    only: Sequence[str] = (),
    wait: bool = True,
    retry: bool = False,
    patience: float = PATIENCE,
) -> Worked:
    """Train the runs of a scan that nobody has finished or trains, one at a time; return what was done.

    Each is trained by itself, and ends with the numbers that ``jetvae train --together 1`` gives it.

    Parameters
    ----------
    folder
        The scan.
    part
        (i, N): only each N-th run, from the i-th on, counted from 1.
    only
        Names of the runs in question, as the manifest has them; none: all of ``part``.
    wait
        Stay until all are finished, to take over what a process leaves that ends before its time; else end when
        nothing is left to begin, once it is seen that those of other machines live.
    retry
        Try again what failed.
    patience
        Seconds without a sign of life of another machine's process after which its run is taken over.

    Raises
    ------
    RunError
        There is no scan, or no run of such a name.
    Interrupted
        The training in progress was stopped.
    """
    cells = chosen(folders(folder), Path(folder), part, only)
    worked, watch = Worked(), Watch(patience)
    if retry:
        forgive(cells)
    while True:
        worked.elsewhere = [cell for cell in unfinished(cells, worked) if not taken(cell, worked, watch)]
        if not worked.elsewhere or not (wait or any(watch.doubts(cell / LOCK) for cell in worked.elsewhere)):
            break
        time.sleep(LOOK)
    tidy(cells)
    return worked


def forgive(cells: Iterable[Path]) -> None:
    """Let runs that failed be tried again."""
    for cell in cells:
        (cell / FAILURE).unlink(missing_ok=True)


def chosen(cells: Sequence[Path], folder: Path, part: tuple[int, int], only: Sequence[str]) -> list[Path]:
    """Return the runs in question.

    Raises
    ------
    RunError
        There is none of a name.
    """
    i, n = part
    names = {cell.relative_to(folder).as_posix(): cell for cell in cells}
    for name in only:
        if name not in names:
            raise RunError(f"{folder}: no run {name}; the scan has {', '.join(names)}")
    return [names[name] for name in only] or list(cells[i - 1 :: n])


def unfinished(cells: Iterable[Path], worked: Worked) -> Iterator[Path]:
    """Yield the runs that are neither finished nor failed; note those that failed."""
    for cell in cells:
        if (cell / FAILURE).is_file():
            worked.failed[cell] = (cell / FAILURE).read_text(encoding="utf-8").strip()
        elif not Run.open(cell).complete:
            yield cell


def taken(cell: Path, worked: Worked, watch: Watch) -> bool:
    """Train a run unless another process trains it; whether nothing is left to be done of it."""
    try:
        with alone([cell]):
            if not Run.open(cell).complete and not (cell / FAILURE).is_file():  # by now
                train(cell, worked)
            return True
    except Locked:
        watch.removes(cell / LOCK)
        return False


def train(cell: Path, worked: Worked) -> None:
    """Train a run to its end; note in its folder why it failed, where it does."""
    recipe = Run.open(cell).recipe
    tune_cpu(recipe.training.threads)
    LOG.info("%s: %s", cell, recipe.model.latent)
    try:
        train_many([recipe], [cell], resume=True)
    except (RunError, RecipeError) as error:
        RunFolder(cell).write_text(FAILURE, f"{error}\n")
        worked.failed[cell] = str(error)
    else:
        worked.trained.append(cell)


def tidy(cells: Sequence[Path]) -> None:
    """Remove checkpoints of runs that began together, once each of them is finished by itself."""
    for parent in {cell.parent for cell in cells}:
        if RunFolder(parent).stored(REPLICAS).exists() and all(
            Run.open(config.parent).complete for config in parent.glob("*/config.toml")
        ):
            RunFolder(parent).stored(REPLICAS).unlink(missing_ok=True)
