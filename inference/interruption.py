"""Ctrl-C and SIGTERM: the first asks a training to stop where it can be resumed, the second stops it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inference.folder import CHECKPOINT, REPLICAS, RunFolder
from inference.records import MANIFEST, RESTARTS
from jets.command import command
from jets.notes import LOG
from jets.signals import interruptions_arrive

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What a keyboard and a batch system send."""


class Interrupted(KeyboardInterrupt):
    """A training was stopped; the message says what is kept, and how to resume."""


@contextmanager
def on_request() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether a stop was asked for within the block.

    The first signal is noted, and said; the second raises KeyboardInterrupt where the program stands. In a thread
    other than the main one, which gets no signals, there is never a request.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def noted(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        LOG.info("stopping at the next checkpoint, to be resumed; once more: at once")

    before = {number: signal.signal(number, noted) for number in SIGNALS}
    try:
        with interruptions_arrive():
            yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kept(folders: Sequence[RunFolder]) -> str:
    """Return what is left of a training that was stopped, and how to resume."""
    first = folders[0].path
    alone = len(folders) == 1
    file = folders[0].stored(CHECKPOINT) if alone else RunFolder(first.parent).stored(REPLICAS)
    if not file.exists():
        return f"no epoch was finished, so nothing is kept but the recipe in {first}"
    done = max(folder.epochs_done() for folder in folders)
    begun = len((folders[0].checkpoint() or {}).get("begun", ())) if alone else 0
    steps = f" and {begun:,} steps" if begun else ""
    return f"{file} holds {done} epochs{steps}; resume with: {command('resume', resumable(first))}"


def resumable(folder: Path) -> Path:
    """Return the folder to resume: of one of a run's trainings that of the run; of a part of a scan the scan's."""
    folder = folder.parent.parent if folder.parent.name == RESTARTS else folder
    return next((parent for parent in folder.parents if (parent / MANIFEST).is_file()), folder)
