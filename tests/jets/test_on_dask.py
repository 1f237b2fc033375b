"""The pool of a dask cluster does what the processes of one machine do."""

import os

import pytest

from jets import on_dask
from jets.on_dask import ClusterError, width
from jets.processes import workers
from jets.simulation.config import Config
from jets.simulation.sample import simulate

distributed = pytest.importorskip("distributed")


def prepare():
    os.environ["PREPARED"] = "yes"


def prepared(number):
    return number, os.environ.get("PREPARED")


def fails(number):
    raise ValueError(f"number {number}")


@pytest.fixture(scope="module")
def address():
    """A cluster of two processes, its scheduler in this one."""
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster.scheduler_address


def test_tasks_are_done_by_prepared_workers_in_order(address):
    with workers(1, prepare, address) as pool:
        assert width(pool) == 2
        assert list(pool.map(prepared, range(5))) == [(number, "yes") for number in range(5)]
        assert pool.submit(prepared, 7).result() == (7, "yes")
        with pytest.raises(ValueError, match="number 3"):
            pool.submit(fails, 3).result()
    assert "PREPARED" not in os.environ


def test_simulated_sample_is_that_of_one_process(address, tmp_path):
    for name in ("pythia8mc", "fastjet", "awkward"):
        pytest.importorskip(name)
    config = Config("w", n=40, events_per_block=30)
    simulate(config, tmp_path / "alone.h5")
    simulate(config, tmp_path / "dask.h5", dask=address)
    assert (tmp_path / "dask.h5").read_bytes() == (tmp_path / "alone.h5").read_bytes()


def test_cluster_that_cannot_be_used_is_named(monkeypatch):
    monkeypatch.setattr(on_dask, "CONNECT", 0.5)
    with (
        pytest.raises(ClusterError, match=r"scheduler at tcp://127\.0\.0\.1:9 does not answer"),
        workers(2, None, "tcp://127.0.0.1:9"),
    ):
        pass
    with (
        distributed.LocalCluster(1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        pytest.raises(ClusterError, match="has several threads; start the workers with --nthreads 1"),
        workers(2, None, cluster.scheduler_address),
    ):
        pass
