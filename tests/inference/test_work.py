"""Workers on a scan: each run once, equal to the serial scan; what is left behind is taken over."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from inference import work as module
from inference.folder import REPLICAS, WEIGHTS
from inference.grid import resume
from inference.records import RunError
from inference.run import Run
from inference.scan import folders
from inference.work import FAILURE, work
from jets.holder import Holder
from jets.lock import LOCK, Locked, locked
from jetvae.__main__ import main

ROOT = Path(__file__).parents[2]
QUICK = ["vae-toy", "--data", "toy:curve(n=600)", "--set", "training.compile=false"]
GRID = ["--beta", "0.1", "0.2", "--seeds", "2"]
NAMES = [f"R3/beta{beta}-seed{seed}" for beta in (0.1, 0.2) for seed in (0, 1)]


def written(folder, *more, epochs=2):
    """Write a scan of four runs to be trained."""
    words = ["train", *QUICK, *GRID, "--epochs", str(epochs), "--cells", "--out", str(folder), *more]
    assert main(words) == 0
    return folder


def weights(folder):
    return {name: (folder / name / WEIGHTS).read_bytes() for name in NAMES if (folder / name / WEIGHTS).exists()}


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The weights of the same scan, trained by one command."""
    out = tmp_path_factory.mktemp("serial") / "scan"
    assert main(["train", *QUICK, *GRID, "--epochs", "2", "--together", "1", "--out", str(out)]) == 0
    return weights(out)


def test_parts_of_a_scan_are_the_serial_scan_bit_for_bit(tmp_path, serial, capsys):
    scan = written(tmp_path / "scan")
    assert f"next: jetvae work {scan}" in capsys.readouterr().out
    assert main(["work", str(scan), "--cell", "2/2", "--no-wait"]) == 0
    assert list(weights(scan)) == NAMES[1::2]
    times = {name: (scan / name / WEIGHTS).stat().st_mtime_ns for name in NAMES[1::2]}
    assert main(["work", str(scan)]) == 0
    said = capsys.readouterr().out
    assert f"{scan}/scan.json: 2 runs trained here, 0 in other hands, 0 failed" in said
    assert weights(scan) == serial
    assert {name: (scan / name / WEIGHTS).stat().st_mtime_ns for name in NAMES[1::2]} == times
    assert not [path for path in scan.rglob("*") if path.name.endswith((".tmp", LOCK))]
    assert work(scan).trained == []


def test_run_that_fails_is_noted_once_and_stops_nobody(tmp_path, serial, monkeypatch, capsys):
    scan, train_many = written(tmp_path / "scan"), module.train_many

    def fails(recipes, paths, **options):
        if paths[0] == scan / NAMES[1]:
            raise RunError("too many steps")
        return train_many(recipes, paths, **options)

    monkeypatch.setattr(module, "train_many", fails)
    share = work(scan)
    assert (len(share.trained), share.failed) == (3, {scan / NAMES[1]: "too many steps"})
    monkeypatch.undo()
    assert main(["work", str(scan)]) == 2
    assert f"1 trainings failed: too many steps; again: jetvae work {scan} --retry" in capsys.readouterr().err
    assert not (scan / NAMES[1] / WEIGHTS).exists()
    assert main(["work", str(scan), "--retry"]) == 0
    assert weights(scan) == serial
    assert not (scan / NAMES[1] / FAILURE).exists()


def test_run_of_a_machine_that_was_lost_is_taken_over_and_one_in_hand_is_not(tmp_path, serial, monkeypatch):
    monkeypatch.setattr(module, "LOOK", 0.05)
    scan = written(tmp_path / "scan")
    lock = scan / NAMES[2] / LOCK
    lock.touch()
    elsewhere = {"host": "batch17", "boot": "another", "pid": 7, "started": "1"}
    lock.write_text(json.dumps(asdict(Holder.own(lock.stat().st_ino, 0.01)) | elsewhere), encoding="utf-8")
    over = threading.Event()

    def lives():
        while not over.wait(0.02):
            os.utime(lock)

    thread = threading.Thread(target=lives)
    thread.start()
    share = work(scan, wait=False, patience=30.0)
    over.set()
    thread.join()
    assert (len(share.trained), share.elsewhere) == (3, [scan / NAMES[2]])
    start = time.monotonic()
    assert work(scan, wait=False, patience=0.5).trained == [scan / NAMES[2]]
    assert time.monotonic() - start > 0.5
    assert weights(scan) == serial


def test_of_workers_that_are_killed_the_others_finish_the_scan(tmp_path):
    """The serial scan again, of enough epochs that the kill falls into a training."""
    scan, reference = written(tmp_path / "scan", epochs=60), written(tmp_path / "serial", epochs=60)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "jetvae", "work", str(scan)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    workers = [subprocess.Popen(words, env=environment, text=True, **pipes) for _ in range(2)]
    try:
        assert "R3/beta" in next(line for line in workers[0].stderr if "beta" in line)
        time.sleep(0.3)
        workers[0].send_signal(signal.SIGKILL)
        work(reference)
        out, err = workers[1].communicate(timeout=300)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert workers[1].returncode == 0, err
    assert len(weights(scan)) == 4
    assert weights(scan) == weights(reference)
    assert "0 in other hands, 0 failed" in out


def test_scan_that_was_interrupted_together_is_finished_apart(tmp_path, monkeypatch):
    """Checkpoints in one file for all are gone on with, and the file goes."""
    from inference.trainer import Trainer

    scan, train_epoch = tmp_path / "scan", Trainer.train_epoch

    def stops(trainer, epoch, *_):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(trainer, epoch)

    monkeypatch.setattr(Trainer, "train_epoch", stops)
    words = ["train", *QUICK, *GRID, "--epochs", "4", "--set", "training.checkpoint_seconds=0"]
    assert main([*words, "--out", str(scan)]) == 130
    monkeypatch.undo()
    together = folders(scan)[0].parent / REPLICAS
    assert together.exists()
    assert main(["work", str(scan), "--only", NAMES[3]]) == 0
    assert together.exists()
    assert len(work(scan).trained) == 3
    assert not together.exists()
    assert len(weights(scan)) == 4


def test_options_that_contradict_each_other_are_refused(tmp_path, capsys):
    assert main(["train", *QUICK, *GRID, "--cells", "--dask", "--out", str(tmp_path / "scan")]) == 2
    assert "--cells trains nothing; leave out --dask" in capsys.readouterr().err
    assert not (tmp_path / "scan").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent"], "absent: no run there, nor a scan"),
        (["SCAN", "--only", "R3/beta0.3-seed0"], f"no run R3/beta0.3-seed0; the scan has {NAMES[0]}, "),
        (["SCAN", "--dask", "--only", NAMES[0]], "--dask trains all of a scan; leave out --cell, --only and --no-wait"),
        (["SCAN", "--cell", "0/3"], "expected I/N with I from 1 to N, as 1/8, got 0/3"),
        (["SCAN", "--cell", "4/3"], "expected I/N"),
        (["SCAN", "--cell", "one"], "expected I/N"),
    ],
)
def test_errors_name_the_remedy(tmp_path, capsys, words, said):
    scan = written(tmp_path / "scan")
    assert main(["work", *(str(scan) if word == "SCAN" else word for word in words)]) == 2
    assert said in capsys.readouterr().err


def test_training_that_was_taken_over_writes_nothing_more(tmp_path, monkeypatch):
    """A worker that stood still, and whose lock another has removed meanwhile, stops at its next checkpoint."""
    from inference.trainer import Trainer

    scan, train_epoch = (
        written(tmp_path / "scan", "--set", "training.checkpoint_seconds=0", epochs=4),
        Trainer.train_epoch,
    )

    def loses(trainer, epoch, *_):
        if epoch == 2:
            (scan / NAMES[0] / LOCK).unlink()
        return train_epoch(trainer, epoch)

    monkeypatch.setattr(Trainer, "train_epoch", loses)
    with pytest.raises(Locked, match="another process has taken it over, since this one gave no sign of life"):
        module.train(scan / NAMES[0], module.Worked())
    assert not (scan / NAMES[0] / WEIGHTS).exists()
    monkeypatch.undo()
    assert len(work(scan).trained) == 4


def test_a_scan_is_not_prolonged_while_a_worker_has_a_run_in_hand(tmp_path):
    """Which would write the recipe that it began with."""
    scan, entered, leave = written(tmp_path / "scan", epochs=2), threading.Event(), threading.Event()

    def works():
        with locked(scan / NAMES[2]):
            entered.set()
            leave.wait(60)

    worker = threading.Thread(target=works)
    worker.start()
    entered.wait(60)
    try:
        with pytest.raises(Locked, match="works in it"):
            resume(scan, {"training.epochs": 3})
    finally:
        leave.set()
        worker.join()
    assert (Run.open(scan / NAMES[2]).recipe.training.epochs, Run.open(scan / NAMES[0]).complete) == (2, False)
    assert all(len(run.history) == 3 for run in resume(scan, {"training.epochs": 3}))
