"""A scan on a dask cluster: its scheduler says who trains which run, and nothing else goes through it.

Each run trains in a process of its own, by :mod:`inference.work`, and its results stay in its folder. So a scheduler
that ends, or workers that do, cost what was trained since the last checkpoints: the unfinished runs are sent again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.attended import TRUST
from inference.records import RunError
from inference.run import Run
from inference.scan import folders
from inference.work import Worked, forgive, unfinished
from jets.command import command
from jets.notes import LOG
from jets.on_dask import SchedulerGone, connected
from jets.progress import Progress

if TYPE_CHECKING:
    from distributed import Client

TRIES = 3
"""Times that a run is sent which ends without a result, before it is given up."""
ABSENT = 600.0
"""Seconds for which a scheduler may be gone."""
PAUSE = 2.0
"""Seconds before a lost scheduler is looked for again."""


def distribute(
    folder: str | Path, address: str = "", *, retry: bool = False, trust: bool = False, absent: float = ABSENT
) -> Worked:
    """Train the unfinished runs of a scan on a dask cluster; return what was done.

    Parameters
    ----------
    folder
        The scan, on a disk that all workers share; they have this package, and start in this folder where they have it.
    address
        Of the scheduler, as ``tcp://host:8786``; "": a cluster of this machine's cores, for the time being.
    retry
        Try again what failed.
    trust
        Whether a user's module is imported that a latent space names.
    absent
        Seconds for which a scheduler may be gone before it is given up.

    Raises
    ------
    RunError
        The scheduler is gone for too long, or a run ended without a result several times.
    ClusterError
        dask.distributed is missing.
    """
    folder = Path(folder).resolve()
    cells = folders(folder)
    if retry:
        forgive(cells)
    worked, sent, gone = Worked(), Counter[str](), time.monotonic()
    before = len(cells) - len(list(unfinished(cells, worked)))
    with Progress(len(cells), "finished", "runs", done=before, always=True) as progress:
        while left := {cell.relative_to(folder).as_posix(): cell for cell in unfinished(cells, worked)}:
            try:
                with connected(address) as client:
                    gone = time.monotonic()
                    for name, said in ended(client, folder, list(left), trust):
                        gone = time.monotonic()
                        tell(left[name], said, sent, worked)
                        progress.update(len(cells) - len(list(unfinished(cells, worked))))
            except SchedulerGone as error:
                if time.monotonic() - gone > absent:
                    raise RunError(
                        f"{folder}: no dask scheduler at {address} ({error}); start one, or: {command('work', folder)}"
                    ) from error
                LOG.warning("the dask scheduler is gone (%s); what it had sent is sent again", error)
                time.sleep(PAUSE)
    return worked


def ended(client: Client, folder: Path, names: list[str], trust: bool) -> Iterator[tuple[str, str]]:
    """Have runs trained; yield the name of each that ended, and what its process said last if it failed.

    Raises
    ------
    SchedulerGone
        It does not answer any more.
    """
    from distributed import as_completed

    submit = {"pure": False, "retries": 0}
    words = {name: (str(folder), name, os.getcwd(), trust) for name in names}
    futures: dict[Any, str] = {client.submit(train_run, *words[name], **submit): name for name in names}
    for future in as_completed(list(futures)):
        if future.status == "cancelled":
            raise SchedulerGone("connection lost")
        error = future.exception() if future.status == "error" else None
        yield futures[future], future.result() if error is None else f"{type(error).__name__}: {error}"


def train_run(folder: str, name: str, here: str, trust: bool) -> str:
    """Train one run in a process of its own, which stops with this one; return what it said last if it failed."""
    words = [sys.executable, "-m", "inference.attended", folder, name, *([TRUST] if trust else [])]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here if os.path.isdir(here) else None,
    ) as process:
        last = ""
        for line in process.stderr or ():
            last = line.strip() or last
    return "" if process.returncode == 0 else last or f"ended with {process.returncode}"


def tell(cell: Path, said: str, sent: Counter[str], worked: Worked) -> None:
    """Note how a run ended.

    Raises
    ------
    RunError
        It ended without a result, again.
    """
    if Run.open(cell).complete:
        worked.trained.append(cell)
        return
    if list(unfinished([cell], worked)):
        sent[str(cell)] += 1
        if sent[str(cell)] >= TRIES:
            raise RunError(f"{cell}: ended {TRIES} times without a result: {said}")
