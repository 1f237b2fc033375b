"""One training at a time: in a process, as Pyro's state is global, and in a folder, as its files are of one run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jets.heartbeat import BEAT
from jets.lock import locked

_TRAINING = threading.RLock()


@contextmanager
def alone(folders: Sequence[Path]) -> Iterator[None]:
    """Train in these folders alone: a training in another thread is waited for, one of another process is refused.

    Of several folders, which share a file of checkpoints beside them, the folder above is locked too.

    Raises
    ------
    Locked
        Another process trains there; the message says which, since when, and what to do.
    DiskError
        A folder cannot be made, or not be written to.
    """
    above = sorted({folder.parent for folder in folders}) if len(folders) > 1 else []
    with _TRAINING, ExitStack() as stack:
        for folder in [*above, *folders]:
            stack.enter_context(locked(folder, beat=BEAT))
        yield
