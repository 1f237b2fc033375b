"""A scan on a dask cluster: the serial scan again, also where the scheduler or a worker ends on the way."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inference import cluster
from inference.cluster import distribute
from inference.folder import WEIGHTS
from inference.records import RunError
from inference.scan import folders
from inference.work import FAILURE, Worked, work
from jets import on_dask
from jets.progress import Progress
from jetvae.__main__ import main

pytest.importorskip("distributed")
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
WORDS = ["train", "vae-toy", "--data", "toy:curve(n=600)", "--set", "training.compile=false"]


def written(folder, *, epochs, seeds):
    words = [*WORDS, "--seeds", str(seeds), "--beta", "0.1", "--epochs", str(epochs), "--cells", "--out", str(folder)]
    assert main(words) == 0
    return folder


def weights(folder):
    return [(path / WEIGHTS).read_bytes() for path in folders(folder)]


@pytest.fixture
def dask(tmp_path):
    """Start parts of a cluster as their commands do; end those that are left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []

    def start(kind):
        where = ["--port", str(port)] if kind == "scheduler" else [f"tcp://127.0.0.1:{port}", "--nthreads", "1"]
        words = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *where, "--no-dashboard"]
        with (tmp_path / "dask.log").open("a", encoding="utf-8") as log:
            started.append(subprocess.Popen(words, env=ENVIRONMENT, stdout=log, stderr=log, cwd=tmp_path))
        return started[-1]

    start.address = f"tcp://127.0.0.1:{port}"
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_scheduler_that_ends_costs_nothing_that_was_finished(tmp_path, dask, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "PAUSE", 0.5)
    scan, reference = (written(tmp_path / name, epochs=3, seeds=4) for name in ("scan", "serial"))
    work(reference)
    scheduler, workers = dask("scheduler"), [dask("worker"), dask("worker")]
    shown, times = [], {}

    class Restarted(Progress):
        """Ends the scheduler and a worker once a run is finished, and starts others."""

        def update(self, done, said=""):
            super().update(done, said)
            shown.append((done, self.total))
            if len(shown) == 1:
                restart()

    def restart():
        times.update({path: (path / WEIGHTS).stat().st_mtime_ns for path in folders(scan) if (path / WEIGHTS).exists()})
        scheduler.kill()
        scheduler.wait()
        workers[0].send_signal(signal.SIGKILL)
        dask("scheduler")
        dask("worker")

    monkeypatch.setattr(cluster, "Progress", Restarted)
    share = distribute(scan, dask.address)
    assert "the dask scheduler is gone" in capsys.readouterr().err
    assert share.failed == {}
    assert shown[-1] == (4, 4)
    assert weights(scan) == weights(reference)
    assert times
    assert all((path / WEIGHTS).stat().st_mtime_ns == when for path, when in times.items())


def test_command_trains_on_a_cluster_of_its_own(tmp_path, capsys):
    reference = written(tmp_path / "serial", epochs=2, seeds=2)
    work(reference)
    capsys.readouterr()
    words = [*WORDS, "--seeds", "2", "--beta", "0.1", "--epochs", "2", "--out", str(tmp_path / "scan")]
    assert main([*words, "--dask"]) == 0
    said = capsys.readouterr()
    assert "2 runs trained here, 0 in other hands, 0 failed" in said.out
    assert "finished 2/2 runs" in said.err
    assert weights(tmp_path / "scan") == weights(reference)
    (folders(reference)[0] / WEIGHTS).unlink()
    (folders(reference)[0] / FAILURE).write_text("too many steps\n")
    assert main(["work", str(reference), "--dask"]) == 2
    assert "1 trainings failed: too many steps" in capsys.readouterr().err
    assert main(["work", str(reference), "--dask", "--retry"]) == 0
    assert weights(reference) == weights(tmp_path / "scan")


def test_scheduler_that_never_comes_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PAUSE", 0.0)
    monkeypatch.setattr(on_dask, "CONNECT", 0.5)
    scan = written(tmp_path / "scan", epochs=2, seeds=2)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(RunError, match=f"no dask scheduler at {address} .*; start one, or: jetvae work "):
            distribute(scan, address, absent=0.0)


def test_run_that_ends_without_a_result_is_given_up(tmp_path):
    scan, share = written(tmp_path / "scan", epochs=2, seeds=2), Worked()
    cell, sent = folders(scan)[0], cluster.Counter()
    cluster.tell(cell, "killed", sent, share)
    cluster.tell(cell, "killed", sent, share)
    with pytest.raises(RunError, match="ended 3 times without a result: killed"):
        cluster.tell(cell, "killed", sent, share)


def test_process_stops_with_whoever_called_it(tmp_path):
    """The caller ends in the middle of a training, which leaves a checkpoint and no lock."""
    scan = written(tmp_path / "scan", epochs=20_000, seeds=2)
    name = folders(scan)[0].relative_to(scan).as_posix()
    words = [sys.executable, "-m", "inference.attended", str(scan), name]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, env=ENVIRONMENT, text=True, **pipes) as process:
        assert name in next(line for line in process.stderr if "R3" in line)
        time.sleep(2.0)
        process.stdin.close()
        process.stdin = None
        said = process.communicate(timeout=60)[1]
    assert "stopping at the next checkpoint" in said
    assert process.returncode != 0
    assert (scan / name / "checkpoint.safetensors").exists()
    assert not list(scan.rglob(".lock"))
