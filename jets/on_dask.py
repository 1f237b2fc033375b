"""A dask cluster in place of the processes of one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jets.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, WorkerPlugin

CONNECT = 10.0
"""Seconds in which a scheduler must answer."""


class ClusterError(UserError):
    """A dask cluster is missing, or cannot be used; the message names the remedy."""


class SchedulerGone(ConnectionError):
    """No scheduler answers."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Give a client of the scheduler at ``address``; "": of a cluster of this machine's cores, one process each.

    Raises
    ------
    ClusterError
        dask.distributed is missing.
    SchedulerGone
        There is no scheduler.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError("--dask needs dask.distributed: pip install 'jetvae[dask]'") from error
    if not address:
        with (
            LocalCluster(threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=CONNECT)
    except (OSError, ValueError) as error:  # of a timeout, or an address that is none
        raise SchedulerGone(str(error)) from error
    try:
        yield client
    finally:
        client.close(timeout=2)


@contextmanager
def pool(address: str, prepare: Callable[[], object] | None = None) -> Iterator[Executor]:
    """Give a pool of a cluster's workers, each of which calls ``prepare`` first, those that join later too.

    Raises
    ------
    ClusterError
        There is no scheduler, or it ended; or a worker has several threads, which Pyro's state does not bear.
    """
    from_here = f"the dask scheduler at {address}" if address else "the dask cluster"
    try:
        with connected(address) as client:
            if several := [name for name, threads in client.nthreads().items() if threads > 1]:
                raise ClusterError(f"{several[0]} has several threads; start the workers with --nthreads 1")
            if prepare is not None:
                client.register_plugin(prepared(prepare))
            yield client.get_executor(pure=False)
    except SchedulerGone as error:
        raise ClusterError(f"{from_here} does not answer ({error}); start one, or leave --dask out") from error
    except CancelledError as error:
        raise ClusterError(f"{from_here} ended; start it again, and give the same command") from error


def prepared(prepare: Callable[[], object]) -> WorkerPlugin:
    """Return what makes each worker of a cluster call a function first."""
    from distributed import WorkerPlugin

    class Prepared(WorkerPlugin):
        name = f"{prepare.__module__}.{prepare.__qualname__}"

        def setup(self, worker: object) -> None:
            prepare()

    return Prepared()


def width(executor: Executor) -> int:
    """Return how many tasks a pool of a cluster does at a time."""
    return max(1, sum(executor._client.nthreads().values()))  # type: ignore[attr-defined]
