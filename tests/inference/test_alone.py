"""One training at a time: in a folder, over processes, and in a process, over threads; reading needs no lock."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

import inference
import models
from inference import scan
from inference.folder import RunError, RunFolder
from inference.grid import combinations
from inference.run import Run
from jets import load
from jets.lock import LOCK, Locked, locked
from jetvae.__main__ import main

ROOT = Path(__file__).parents[2]
QUICK = {"data.files": ["toy:curve(n=400)"], "training.epochs": 2, "training.compile": False}
SETTINGS = ("toy:curve(n=400)", "--epochs", "2", "--set", "training.compile=false")
HOLD = """
import sys
from jets.lock import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def fits(folder, number, points):
    """A fit to be called; the model is made now, as the caller's draws are the caller's."""
    torch.manual_seed(number)
    vae = models.build(models.ModelConfig(latent="R2", inputs=3, encoder=(16,), decoder=(16,), likelihood="normal"))
    settings = {"epochs": 3, "seed": number, "compile": False}
    return lambda: inference.fit(vae, points, out=folder, **settings)


def test_fits_in_threads_equal_fits_alone(tmp_path):
    points = load("toy:curve(n=600)")
    alone = [fits(tmp_path / f"alone{i}", i, points)() for i in range(2)]
    runs, ready = {}, threading.Barrier(2)

    def work(i, fit):
        ready.wait()
        runs[i] = fit()

    together = [fits(tmp_path / f"together{i}", i, points) for i in range(2)]
    threads = [threading.Thread(target=work, args=each) for each in enumerate(together)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(2):
        for name, tensor in alone[i].vae.state_dict().items():
            assert torch.equal(tensor, runs[i].vae.state_dict()[name]), name
    assert not torch.equal(*(next(iter(run.vae.parameters())) for run in alone))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return inference.train(inference.read("vae-toy", QUICK), tmp_path_factory.mktemp("lock") / "run")


def test_a_folder_in_training_is_refused_to_others_and_can_be_read(run, tmp_path, capsys):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", HOLD, str(run.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, env=environment, encoding="utf-8", **pipes) as process:
        assert process.stdout.readline() == "held\n"
        assert main(["resume", str(run.path), "--epochs", "3"]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"error: {run.path}: process {process.pid} on ")
        assert said.endswith("works in it; wait for its end, or stop it")
        assert len(Run.open(run.path).history) == 2
        assert not Run.open(run.path).vae.training
        process.communicate("")
    assert not (run.path / LOCK).exists()


def test_a_lock_is_no_result(run, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / LOCK).touch()
    points = load("toy:curve(n=400)")
    RunFolder.create(folder, run.recipe, points).discard()
    assert not folder.exists()
    with locked(run.path), (run.path / "SHA256SUMS").open(encoding="utf-8") as sums:
        assert LOCK not in sums.read()


def test_a_scan_is_one_folder(tmp_path):
    refused = []

    def again():
        with pytest.raises(Locked, match="another thread"):
            scan.create(tmp_path / "scan", combinations("vae-toy", QUICK, seeds=2))
        refused.append(1)

    with locked(tmp_path / "scan"):
        thread = threading.Thread(target=again)
        thread.start()
        thread.join()
    assert refused == [1]
    assert list(tmp_path.iterdir()) == []


def test_what_was_killed_before_it_began_is_begun_anew(tmp_path):
    """A scan without its list, whose runs hold nothing; with a result, or another file, it is left alone."""
    recipes = combinations("vae-toy", QUICK, seeds=2)
    folder = tmp_path / "scan"
    for _ in range(2):
        scan.create(folder, recipes)
        assert len(scan.runs(folder)) == 2
        for name in ("scan.json", "SHA256SUMS"):
            (folder / name).unlink()
        (folder / ".scan.json.1.tmp").touch()
    first = folder / next(iter(recipes))
    (first / "checkpoint.safetensors").touch()
    with pytest.raises(RunError, match="already exists"):
        scan.create(folder, recipes)
    assert (first / "checkpoint.safetensors").exists()
    run = tmp_path / "run"
    run.mkdir()
    for name in ("provenance.json", ".config.toml.1.tmp", LOCK):
        (run / name).touch()
    assert inference.train(next(iter(recipes.values())), run).complete


def test_of_two_that_begin_the_same_folder_one_wins(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "jetvae", "train", "vae-toy", "--data", *SETTINGS, "--out", str(tmp_path / "run")]
    pipes = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    both = [subprocess.Popen(words, **pipes) for _ in range(2)]
    said = [process.communicate(timeout=120)[1].splitlines()[-1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], said
    lost = next(line for process, line in zip(both, said, strict=True) if process.returncode)
    assert lost.startswith(f"error: {tmp_path / 'run'}: ")
    assert Run.open(tmp_path / "run").complete
    assert not [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
