"""The training command: bad input, mixtures, reproducibility, interruption and resumption."""

import json
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import torch

from inference.folder import WEIGHTS, load_tensors
from inference.grid import resume
from inference.provenance import changed_keys
from inference.recipe import DataConfig, RecipeError, read
from inference.run import Run, RunError
from inference.splits import split
from jets.sums import SUMS
from jetvae.__main__ import main
from models import Beta

QUICK = ["--epochs", "2", "--fraction", "qcd=.03", "top=.03"]


def run(*arguments):
    return main(["train", *map(str, arguments)])


def test_what_only_the_first_step_finds_leaves_no_run(tmp_path, capsys):
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[model]\nlatent = "C2 x R2"\n[training]\nobjective = "iwae"')
    assert run(recipe, *QUICK, "--out", tmp_path / "run") == 2
    assert "C2" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def nan_file(tmp_path):
    path = tmp_path / "nan.h5"
    with h5py.File(path, "w") as file:
        file["constituents"] = np.full((5, 3, 3), np.nan, np.float32)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "absent.h5"], ["absent.h5", "no such file"]),
        (["--data", __file__], ["test_svi.py", "not a readable HDF5 file"]),
        (["--data", "sample:higgs"], ["sample:higgs", "sample:top"]),
        (["--latent", "R4 x Q2"], ["Q", "column 6", ">>>Q2"]),
        (["--latent", "R4 x"], ["column 5"]),
        (["--fraction", "higgs=.5"], ["unknown class 'higgs'", "qcd, top"]),
        (["--fraction", "top=2"], ["top = 2.0", "between 0 and 1"]),
        (["--fraction", "top=many"], ["top=many", "CLASS=F"]),
        (["--beta", "-1"], ["[model] beta = -1.0", "greater than 0"]),
        (["--epochs", "0"], ["[training] epochs = 0", "greater than or equal to 1"]),
        (["--device", "tpu"], ["[training] device = 'tpu'", "'auto', 'cpu' or 'cuda'"]),
        (["image-dave"], ["image-dave", "did you mean image-dvae"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, tmp_path, capsys):
    assert run(*arguments, "--out", tmp_path / "run") == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert all(word in message for word in words), message
    assert not (tmp_path / "run").exists()


def test_nan_in_the_file(nan_file, tmp_path, capsys):
    assert run("--data", nan_file, "--out", tmp_path / "run") == 2
    assert "NaN" in capsys.readouterr().err


def test_existing_folder_is_left_alone(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("data")
    assert run("--out", tmp_path / "run") == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["resume", str(tmp_path / "run")]) == 2
    assert "no run there" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["precious.txt"]


def test_run_folder(tmp_path, capsys):
    assert run("image-dvae", *QUICK, "--latent", "L3(alpha=1,.25,.1)", "--beta", "0.2", "--out", tmp_path / "run") == 0
    output = capsys.readouterr()
    assert WEIGHTS in output.out
    assert all(word in output.err for word in ("jets/s", "left", "rec ", "KL"))
    result = Run.open(tmp_path / "run")
    assert result.complete
    assert result.recipe.model.latent == "L3(alpha=1,0.25,0.1)"
    assert result.recipe.model.beta == Beta(0.2)
    assert result.provenance["counts"]["test"] == {"qcd": 3333, "top": 3333}
    row = result.history[-1]
    assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"])
    assert row["kl"] == pytest.approx(sum(row[f"kl_L3_{k}"] for k in range(3)))


def test_resume_keeps_the_recipe(tmp_path, capsys):
    assert run(*QUICK, "--out", tmp_path / "run") == 0
    with pytest.raises(RunError, match=r"cannot change model\.beta"):
        resume(tmp_path / "run", {"model.beta": 0.5})
    assert main(["resume", str(tmp_path / "run"), "--epochs", "3"]) == 0
    assert len(Run.open(tmp_path / "run").history) == 3


def test_resume_refuses_what_was_not_trained(tmp_path, capsys):
    """Fewer epochs than are done; an edited seed, beta, test share; options that 1 stands for: nothing is rewritten."""
    folder = tmp_path / "run"
    assert run(*QUICK, "--out", folder) == 0
    before = (folder / "config.toml").read_text()
    assert main(["resume", str(folder), "--epochs", "1"]) == 2
    assert "has trained 2 epochs" in capsys.readouterr().err
    for option in ("--seed", "--lr", "--batch-size"):
        assert run("--resume", "--out", folder, option, "1") == 2
        assert f"cannot change {option}" in capsys.readouterr().err
    assert (folder / "config.toml").read_text() == before
    edits = [
        ("seed = 0", "seed = 7", "training.seed"),
        ("beta = 0.1", "beta = 0.2", "model.beta"),
        ("test = 0.33", "test = 0.13", "data.test"),
        ("alpha=0.9", "alpha=0.5", "model.latent"),
        ("qcd = 0.03", "qcd = 0.03\nhiggs = 1.0", "data.fraction.higgs"),
    ]
    for old, new, key in edits:
        edited = before.replace(old, new, 1)
        assert edited != before, key
        (folder / "config.toml").write_text(edited)
        assert main(["resume", str(folder), "--epochs", "3"]) == 2
        assert "config.toml: not what SHA256SUMS says" in capsys.readouterr().err
        (folder / SUMS).rename(folder / "kept")
        assert main(["resume", str(folder), "--epochs", "3"]) == 2
        assert f"is not what this run was trained with: {key} changed" in capsys.readouterr().err
        assert (folder / "config.toml").read_text() == edited
        with pytest.raises(RunError, match=key):
            _ = Run.open(folder).split
        (folder / "kept").rename(folder / SUMS)
    (folder / "config.toml").write_text(before)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert changed_keys(provenance.pop("recipe_digests"), read(folder / "config.toml")) == []
    (folder / SUMS).unlink()
    (folder / "provenance.json").write_text(json.dumps(provenance))  # as of before digests were kept
    assert main(["resume", str(folder), "--epochs", "3"]) == 0


def test_split_is_stratified_and_fixed(sample):
    config = DataConfig(fraction={"top": 0.25})
    first, again = split(sample, config, 0), split(sample, config, 0)
    np.testing.assert_array_equal(first.train, again.train)
    whole = split(sample, DataConfig(), 0)
    np.testing.assert_array_equal(first.test, whole.test)
    assert sample[whole.test].counts == {"qcd": 200, "top": 200}
    assert sample[whole.train].counts == {"qcd": 360, "top": 360}
    assert sample[first.train].counts == {"qcd": 360, "top": 90}
    assert len(np.unique(np.concatenate([whole.train, whole.validation, whole.test]))) == len(sample)
    assert not np.array_equal(whole.test, split(sample, DataConfig(), 1).test)
    with pytest.raises(RecipeError, match="left to train on"):
        split(sample, DataConfig(fraction={"qcd": 0.0, "top": 0.0}), 0)


def test_bare_fraction_means_the_last_class(tmp_path):
    assert run("--epochs", "1", "--fraction", "0.05", "--out", tmp_path / "run") == 0
    assert Run.open(tmp_path / "run").provenance["counts"]["train"] == {"qcd": 6000, "top": 300}


def weights(folder):
    return load_tensors(folder / WEIGHTS)


def test_killed_and_resumed_equals_undisturbed(tmp_path):
    """SIGKILL at two moments, resume: the same weights, bit for bit; a run of its own seed repeats itself."""
    recipe = tmp_path / "quick.toml"
    recipe.write_text(read("image-dvae", {"training.checkpoint_seconds": 0.0, "training.epochs": 24}).to_toml())
    options = [str(recipe), "--fraction", "qcd=.1", "top=.1"]
    assert run(*options, "--out", tmp_path / "whole") == 0
    command = [sys.executable, "-m", "inference.svi", *options, "--out", str(tmp_path / "killed")]
    for seconds in (0.1, 0.3):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not process.stderr.readline().startswith("epoch"):  # the first line of progress: training is under way
            assert process.poll() is None
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        assert not (tmp_path / "killed" / WEIGHTS).exists()
        command = [sys.executable, "-m", "jetvae", "resume", str(tmp_path / "killed")]
    subprocess.run(command, check=True, capture_output=True)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
