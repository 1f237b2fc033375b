"""One training on two processes is that of one, step by step; one that is lost costs little."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from inference import share as module
from inference.folder import WEIGHTS, load_tensors
from inference.ranks import silent
from inference.recipe import RecipeError, read
from inference.run import Run
from inference.share import ALONE, Share
from inference.sharing import share_batches
from models import image_vae

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
PLAIN = ["--set", "training.compile=false"]
KINDS = {
    "vectors": ["vae-toy", "--data", "toy:curve(n=1000)", "--epochs", "110"],
    "images": ["image-dvae", "--epochs", "4", "--set", "data.limit=2500"],
    "images-convolved": ["image-vae", "--epochs", "1", "--set", "data.limit=1200"],
    "clouds": ["jet-w", "--beta", "0.02", "--epochs", "10", "--set", "data.limit=2000", "--batch-size", "100"],
    "mixed": ["jet-mixed", "--epochs", "2", "--set", "data.limit=800"],
    "weights": ["vae-toy", "--data", "WEIGHTED", "--epochs", "4"],
    "compiled": ["vae-toy", "--data", "toy:curve(n=1000)", "--epochs", "4", "--set", "training.compile=true"],
}


def run(words, *, torchrun=(), **options):
    """Run the command in double precision, in one process, or in two."""
    start = [*TORCHRUN, *torchrun] if torchrun is not None else [sys.executable]
    program = [*start, str(ROOT / "tests/inference/in_double.py"), "train", *map(str, words)]
    return subprocess.run(program, env=ENVIRONMENT, text=True, capture_output=True, timeout=120, **options)


def steps(folder):
    with xr.open_datatree(folder / "history.nc") as tree:
        return tree["step"].to_dataset().load()


@pytest.fixture(scope="module")
def weighted(tmp_path_factory):
    """Points with event weights of both signs."""
    import jets

    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("weighted") / "points.h5"
    sample = jets.load("sample:w")[:600]
    jets.save(path, sample.with_(weights=np.where(rng.random(600) < 0.2, -0.5, 1.5)))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_take_the_steps_of_one(kind, tmp_path, weighted):
    words = KINDS[kind] if kind == "compiled" else [*KINDS[kind], *PLAIN]
    if kind == "weights":
        words = ["jet-w", "--data", weighted, "--beta", "0.02", "--epochs", "2", "--batch-size", "50", *PLAIN]
    alone = run([*words, "--out", tmp_path / "alone"], torchrun=None)
    assert alone.returncode == 0, alone.stderr
    both = run([*words, "--out", tmp_path / "both"])
    assert both.returncode == 0, both.stderr
    assert both.stdout.count("wrote ") == 1
    one, two = steps(tmp_path / "alone"), steps(tmp_path / "both")
    assert len(one["loss"]) >= (200 if kind in ("vectors", "images", "clouds") else 8)
    for name in one.data_vars:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-6, atol=1e-9, err_msg=name)
    assert len(set(one["loss"].values)) > 4
    final = [load_tensors(tmp_path / name / WEIGHTS) for name in ("alone", "both")]
    for name, value in final[0].items():
        torch.testing.assert_close(final[1][name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_process_that_is_lost_is_started_again_and_the_training_resumed(tmp_path):
    words = ["vae-toy", "--data", "toy:curve(n=1000)", *PLAIN, "--set", "training.checkpoint_seconds=0"]
    words = [*words, "--epochs", "80"]
    assert run([*words, "--out", tmp_path / "whole"]).returncode == 0
    program = [*TORCHRUN, "--max-restarts", "1", str(ROOT / "tests/inference/in_double.py"), "train", *words]
    process = subprocess.Popen(
        [*program, "--out", str(tmp_path / "lost")],
        env=ENVIRONMENT,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        stop = time.monotonic() + 120
        while not (tmp_path / "lost" / "history.csv").exists() and time.monotonic() < stop:
            time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert Run.open(tmp_path / "lost").complete
    assert (tmp_path / "lost" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert not list(tmp_path.rglob(".*"))


def test_training_is_prolonged_by_two_processes(tmp_path):
    """Begun by one process, gone on with by one, or by two: but for rounding the same."""
    words = ["vae-toy", "--data", "toy:curve(n=1000)", *PLAIN, "--beta", "0.1"]
    assert run([*words, "--epochs", "4", "--out", tmp_path / "one"], torchrun=None).returncode == 0
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert run(["--resume", "--epochs", "8", "--out", tmp_path / "one"], torchrun=None).returncode == 0
    found = run(["--resume", "--epochs", "8", "--out", tmp_path / "two"])
    assert found.returncode == 0, found.stderr
    assert len(steps(tmp_path / "one")["loss"]) == 16
    np.testing.assert_allclose(steps(tmp_path / "two")["loss"], steps(tmp_path / "one")["loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "under torchrun a training needs --out"),
        (["--batch-size", "101", "--out", "OUT"], "a batch of 101 jets cannot be divided among 2 processes"),
        (
            ["--beta", "0.1", "--set", "training.free_bits=0.1", "--out", "OUT"],
            "free_bits and capacity act on the KL of a whole batch",
        ),
        (["--seeds", "2", "--out", "OUT"], "under torchrun one run is trained at a time"),
        (["--latent", "D3 x R1", "--out", "OUT"], "its draws are rejection samplers, which processes cannot share"),
    ],
)
def test_what_cannot_be_shared_is_refused(words, said, tmp_path):
    base = ["vae-toy", "--data", "toy:curve(n=1000)", "--epochs", "1", *PLAIN]
    found = run([*base, *(str(tmp_path / "out") if word == "OUT" else word for word in words)], cwd=tmp_path)
    assert found.returncode != 0
    assert said in found.stderr
    assert not (tmp_path / "out").exists()


def test_share_of_one_process_changes_nothing(capsys):
    vector = torch.arange(6.0)
    assert ALONE.part(vector) is vector
    assert ALONE.means([vector])[0] is vector
    assert ALONE.first(lambda: 7) == 7
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert module.current() is ALONE
    assert torch.equal(Share(1, 3).part(vector), torch.tensor([2.0, 3.0]))
    assert Share(0, 2).part(torch.zeros(4, 6), 0).shape == (2, 6)
    recipe = read("image-dvae", {})
    with pytest.raises(RecipeError, match="one run is trained at a time"):
        share_batches(Share(0, 2), [recipe, recipe], [image_vae("R2", beta=0.1)], 100)
    with silent():
        print("unheard")
    assert capsys.readouterr().out == ""
