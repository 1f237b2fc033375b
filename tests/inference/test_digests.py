"""Results say of which runs they were made; what changed since is found by content, not by time."""

import os
import shutil

import numpy as np
import pytest

import inference
from inference.digests import digests, outdated
from inference.folder import REPLICAS
from inference.recipe import read
from inference.run import Run
from inference.training import trainer_for

QUICK = {"training.epochs": 1, "data.fraction": {"qcd": 0.02, "top": 0.02}}


@pytest.fixture
def two(tmp_path):
    """Two runs of a scan, and the folders."""
    folders = [tmp_path / "scan" / name for name in ("a", "b")]
    for seed, folder in enumerate(folders):
        inference.train(read("image-dvae", QUICK | {"training.seed": seed}), folder)
    return folders


def test_what_changed_is_named(two, tmp_path):
    file = tmp_path / "scan" / "scan.nc"
    made = digests([Run.open(folder) for folder in two], file.parent)
    file.touch()
    assert outdated(made, file, two) == outdated(made, file) == ""
    for path in two[0].iterdir():
        os.utime(path, (2e9, 2e9))
    assert outdated(made, file, two) == "", "another time is no other content"
    shutil.move(tmp_path / "scan", tmp_path / "elsewhere")
    moved = [tmp_path / "elsewhere" / name for name in ("a", "b")]
    assert outdated(made, tmp_path / "elsewhere" / "scan.nc", moved) == ""
    file, two = tmp_path / "elsewhere" / "scan.nc", moved

    inference.train(read("image-dvae", QUICK | {"training.seed": 1, "training.epochs": 2}), two[1], resume=True)
    for path in two[1].iterdir():
        os.utime(path, (1, 1))
    assert outdated(made, file, two) == outdated(made, file) == "b changed since"
    (two[0] / "SHA256SUMS").unlink()
    config = two[0] / "config.toml"
    config.write_text(config.read_text().replace("seed = 0", "seed = 7"))
    assert outdated(made, file, two) == "a, b changed since"

    shutil.rmtree(two[1])
    assert outdated(made, file) == "a changed since", "a run that is gone has not changed"
    assert outdated(made, file, two) == "a, b changed since"
    assert outdated(made, file, two[:1]) == "a, b changed since"
    assert outdated(made, file, [*two, *(file.parent / f"{i}" for i in range(3))]) == "a, b, 0 and 2 more changed since"


@pytest.mark.parametrize("text", ["not json", "[]", 5, '{"a": 1}', np.array(["a", "b"])])
def test_what_cannot_be_read_is_not_believed(text, tmp_path):
    assert outdated({"runs": text}, tmp_path / "scan.nc") == "damaged: which runs it is of cannot be read"


def test_results_without_digests_go_by_time(two, tmp_path):
    file = tmp_path / "scan" / "scan.nc"
    file.touch()
    os.utime(file, (1e9, 1e9))
    assert outdated({}, file) == ""
    assert outdated({}, file, two) == "a, b changed since"
    os.utime(file, (3e9, 3e9))
    assert outdated({}, file, two) == ""


def test_runs_that_train_together_change_with_their_common_checkpoint(tmp_path):
    recipes = [read("image-dvae", QUICK | {"training.epochs": 3, "training.seed": seed}) for seed in (0, 1)]
    folders = [tmp_path / f"r{seed}" for seed in (0, 1)]
    trainer = trainer_for(recipes, folders)
    trainer.train(until=1)
    made = digests([Run.open(folder) for folder in folders], tmp_path)
    assert (tmp_path / REPLICAS).exists()
    assert outdated(made, tmp_path / "scan.nc", folders) == ""
    trainer.train(until=2)
    assert outdated(made, tmp_path / "scan.nc", folders) == "r0, r1 changed since"
