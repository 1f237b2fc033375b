"""Processes that share work: they end with the one that began them, and Ctrl-C is for that one alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from jets import on_dask


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(
    count: int, prepare: Callable[[], object] | None = None, dask: str | None = None
) -> Iterator[Executor | None]:
    """Give a pool of processes, each of which calls ``prepare`` first; None for one process.

    After an error or an interruption what they are at is given up. ``dask`` takes those of a cluster instead, by the
    address of its scheduler, "" for one of this machine's cores.

    Raises
    ------
    ClusterError
        The cluster cannot be used.
    """
    if dask is not None:
        with on_dask.pool(dask, prepare) as pool:
            yield pool
        return
    if count < 2:
        yield None
        return
    # A forked process would share its parent's threads' locks.
    context = multiprocessing.get_context("spawn")
    processes = ProcessPoolExecutor(count, context, initializer=begin, initargs=(prepare,))
    try:
        yield processes
    except BaseException:
        for process in list((processes._processes or {}).values()):
            process.kill()
        raise
    finally:
        processes.shutdown(cancel_futures=True)


def begin(prepare: Callable[[], object] | None) -> None:
    """Prepare a process of a pool: signals of a terminal are for its parent, with whom it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def end_with_parent() -> None:
    """End this process when its parent has ended, rather than let it wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
