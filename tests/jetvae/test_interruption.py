"""Ctrl-C and SIGTERM: once stops after the epoch, to be resumed; twice at once; nothing ends in a traceback."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

import inference
from inference.folder import WEIGHTS, load_tensors
from inference.interruption import on_request

ROOT = Path(__file__).parents[2]
TRAINING = ["train", "image-dvae", "--set", "data.limit=300", "--set", "training.compile=false", "--out", "run"]


def begun(folder, *words):
    """Start a command and return it when its standard error has shown the first epoch, with what it said."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "jetvae", *words]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    said = ""
    while " + KL " not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_leaves_a_checkpoint_and_resumes_to_the_same(tmp_path, number):
    process = begun(tmp_path, *TRAINING, "--epochs", "400")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    done = inference.Run.open(tmp_path / "run")
    assert len(done.history) < 400
    kept = f"run/checkpoint.safetensors holds {len(done.history)} epochs"
    assert last == f"interrupted; {kept}; resume with: jetvae resume run"
    assert not list((tmp_path / "run").glob(".*.tmp"))
    inference.train(done.recipe.model_copy(update={"training": shorter(done)}), tmp_path / "run", resume=True)
    inference.train(done.recipe.model_copy(update={"training": shorter(done)}), tmp_path / "undisturbed")
    weights = [load_tensors(tmp_path / name / WEIGHTS) for name in ("run", "undisturbed")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name])


def shorter(run):
    """Return the training of a run with two epochs more than are done."""
    return run.recipe.training.model_copy(update={"epochs": len(run.history) + 2})


def test_twice_stops_at_once(tmp_path):
    settings = ["--set", "training.compile=false", "--set", "data.limit=2000"]
    process = begun(tmp_path, "train", "image-vae", "--epochs", "90", *settings, "--out", "run")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert time.perf_counter() - start < 20
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("interrupted; ")


def test_before_the_first_epoch_nothing_is_promised(tmp_path, monkeypatch, sample):
    from inference.trainer import Trainer

    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt, match="no epoch was finished"):
        inference.train(inference.read("vae-toy"), tmp_path / "run")


def test_an_interruption_in_a_finaliser_arrives(capsys):
    class Final:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with on_request():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            gone(Final)
    assert "Traceback" not in capsys.readouterr().err


def gone(kind):
    """Make something and drop it; wait for what is late."""
    kind()
    time.sleep(5)


def test_signals_are_as_before_and_other_threads_get_none():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with on_request() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGTERM)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    found = []

    def elsewhere():
        with on_request() as stop:
            found.append(stop())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [False]
