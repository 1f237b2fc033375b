"""Ctrl-C arrives: Python loses an interruption that falls into a callback of its own, this brings it again."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN = 0.02
"""Seconds after which an interruption comes again that was lost."""


@contextmanager
def interruptions_arrive() -> Iterator[None]:
    """Let no KeyboardInterrupt be lost within the block, nor be printed.

    What is raised while Python runs a finaliser or the callback of a weak reference, it prints and drops.
    """
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if lost.exc_type is not None and issubclass(lost.exc_type, KeyboardInterrupt):
            timer = threading.Timer(AGAIN, _thread.interrupt_main)
            timer.daemon = True
            timer.start()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
