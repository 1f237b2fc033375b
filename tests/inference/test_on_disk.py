"""Training on jets that stay on disk: the numbers of a training in memory, from windows that are read ahead."""

import signal

import numpy as np
import pytest
import torch

import inference
import jets
from inference import disk_split
from inference import order as order_module
from inference import windows as windows_module
from inference.folder import RunFolder
from inference.interruption import Interrupted
from inference.recipe import RecipeError, read
from inference.run import Run, RunError
from inference.splits import split
from inference.training import train_many, trainer_for
from jets.out_of_core import sample as sample_module
from jetvae.__main__ import main

QUICK = {"training.epochs": 2, "training.batch_size": 90, "training.compile": False, "training.checkpoint_seconds": 0.0}
SPEED = {"seconds", "jets_per_second"}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 256 jets, so that a few thousand jets make several windows."""
    for module in (order_module, windows_module, sample_module, disk_split):
        monkeypatch.setattr(module, "BLOCK", 256)
    monkeypatch.setattr(disk_split, "ROWS", 1024)


@pytest.fixture
def file(tmp_path):
    """3,000 jets, sorted by class, with weights of both signs."""
    some = jets.load("sample:qcd", "sample:top")[np.r_[0:1500, 10000:11500]]
    return jets.save(tmp_path / "jets.h5", some.with_(weights=np.random.default_rng(0).normal(1, 0.7, len(some))))


def recipes(file, window, name="image-dvae", **changes):
    """The same training from disk and in memory."""
    common = QUICK | {"data.files": [str(file)], "data.window": window, "data.cache": str(file.parent / "cache")}
    common |= changes
    return read(name, common | {"data.memory": "2GB"}), read(name, common | {"data.split": "hashed"})


def assert_equal(one, other):
    """Two runs have the same numbers, to the last bit."""
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert {k: v for k, v in mine.items() if k not in SPEED} == {k: v for k, v in theirs.items() if k not in SPEED}
    for name, tensor in one.vae.state_dict().items():
        torch.testing.assert_close(tensor, other.vae.state_dict()[name], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "window", "changes"),
    [
        ("image-dvae", 512, {}),
        ("image-dvae", 10**9, {"data.constituents": 11, "data.mixture": {"qcd": 1.0, "top": 0.3}}),
        ("image-vae", 256, {"model.latent": "V2:4", "training.batch_size": 400}),
        ("jet-w", 768, {"model.likelihood": "emd", "image.turn": True, "data.fraction": {"qcd": 0.2}}),
    ],
)
def test_it_is_the_training_in_memory(file, tmp_path, name, window, changes):
    """Losses, KLs, validation and weights; also with batches larger than a window, and thinned classes."""
    one, other = recipes(file, window, name, **changes)
    disk, memory = inference.train(one, tmp_path / "disk"), inference.train(other, tmp_path / "memory")
    assert_equal(disk, memory)
    assert disk.provenance["counts"] == memory.provenance["counts"]
    assert disk.provenance["data_fingerprint"] == memory.provenance["data_fingerprint"]


@pytest.mark.parametrize("stop", [1, 2, 5, 9])
def test_it_resumes_in_the_middle_of_an_epoch(file, tmp_path, monkeypatch, stop):
    """Stopped after a window, by a signal as a batch system sends it; from the checkpoint on, bit for bit."""
    one, _ = recipes(file, 512)
    whole = inference.train(one, tmp_path / "whole")
    from inference.trainer import Trainer

    take, taken = Trainer.take, []

    def interrupted(trainer, *given):
        taken.append(0)
        if len(taken) == stop:
            signal.raise_signal(signal.SIGTERM)
        return take(trainer, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "take", interrupted)
        with pytest.raises(Interrupted, match=rf"holds {stop // 6} epochs and \d+ steps; resume with: jetvae resume"):
            inference.train(one, tmp_path / "run")
    checkpoint = RunFolder(tmp_path / "run").checkpoint()
    assert (len(checkpoint["begun"]) > 0, len(checkpoint["epochs"])) == (True, stop // 6)
    assert_equal(inference.train(one, tmp_path / "run", resume=True), whole)


def test_a_resume_may_change_the_memory_but_nothing_else(file, tmp_path):
    """The window stays; and without memory the jets are in memory, with the same numbers."""
    one, _ = recipes(file, 512)
    whole = inference.train(one, tmp_path / "whole")
    half = trainer_for([one], [tmp_path / "run"])
    half.train(until=1)
    resolved = Run.open(tmp_path / "run").recipe
    data = resolved.data.model_copy(update={"memory": None})
    assert_equal(inference.train(resolved.model_copy(update={"data": data}), tmp_path / "run", resume=True), whole)
    changed = one.model_copy(update={"data": one.data.model_copy(update={"limit": 100})})
    with pytest.raises(RunError, match=r"data\.fraction\.qcd, data\.fraction\.top changed"):
        inference.train(changed, tmp_path / "run", resume=True)


def test_steps_that_fail_are_named_with_their_jets(file, tmp_path, capsys):
    """By their numbers in the sample; the batch is kept."""
    one, _ = recipes(file, 512, **{"training.lr": 9.0, "training.max_skipped": 0, "training.epochs": 60})
    one = one.model_copy(update={"training": one.training.model_copy(update={"batch_size": 20})})
    trainer = trainer_for([one], [tmp_path / "run"])
    with torch.no_grad():
        next(trainer.vaes[0].parameters()).fill_(torch.nan)
    with pytest.raises(RunError, match="steps had no finite loss or gradient"):
        trainer.train()
    kept = RunFolder(tmp_path / "run").stored("postmortem.safetensors")
    assert kept.exists()
    assert "skipped: loss or gradient not finite (jets " in capsys.readouterr().err


def test_the_run_is_evaluated_on_jets_that_it_was_not_trained_on(file, tmp_path, monkeypatch):
    """On a part of the sample that its memory holds, whose jets are on the sides that they had in training."""
    monkeypatch.setattr(disk_split, "SAMPLE", 1200 * 12 * 50 / 2e9)
    one, _ = recipes(file, 512)
    run = inference.train(one, tmp_path / "run")
    whole = jets.load(file)
    assert 1152 < len(run.jets) <= 1280  # ten groups of 128, one of which may be the last
    parts = split(whole, run.recipe.data, run.recipe.training.seed)

    def places(some):
        return {each.tobytes() for each in some.constituents}

    tested = places(run.jets[run.split.test])
    assert tested < places(whole[parts.test])
    assert not tested & places(whole[parts.train])
    assert set(run.jets.jet) == set(whole.jet)
    assert main(["summary", str(run.path)]) == 0
    assert main(["encode", str(run.path), str(file), "-o", str(tmp_path / "all.parquet"), "--draws", "0"]) == 0


def test_a_file_that_changed_is_refused(file, tmp_path):
    one, _ = recipes(file, 512)
    run = inference.train(one, tmp_path / "run")
    jets.save(file, jets.load("sample:qcd")[:500])
    with pytest.raises(RunError, match=r"jets\.h5 changed since this run was trained; restore"):
        _ = Run.open(run.path).jets


def test_what_does_not_go_with_jets_on_disk_is_refused(file, tmp_path, sample, trained):
    one, _ = recipes(file, 512)
    with pytest.raises(RecipeError, match="memory excludes restarts, which are trained together; give --seeds"):
        recipes(file, 512, **{"training.restarts": 3})
    other = one.model_copy(update={"model": one.model.model_copy(update={"beta": one.model.beta.__class__(0.3)})})
    with pytest.raises(RecipeError, match="trained on by one run at a time: --together 1, no restarts"):
        train_many([one, other], [tmp_path / "a", tmp_path / "b"])
    small = one.model_copy(update={"data": one.data.model_copy(update={"memory": "1001MB", "window": None})})
    small = small.model_copy(update={"training": small.training.model_copy(update={"epochs": 1})})
    with pytest.raises(RecipeError, match=r"memory = '1001MB' is too little for these jets; give 1\.\d+GB or more"):
        inference.train(small, tmp_path / "c")
    with pytest.raises(RecipeError, match="fit trains on jets in memory; leave memory out"):
        inference.fit(trained.vae, sample, data=one.data, out=tmp_path / "d")
    assert {path.name for path in tmp_path.iterdir()} == {"jets.h5", "cache"}


def test_scans_train_one_run_at_a_time(file, tmp_path, monkeypatch):
    """With one survey, beside the scan."""
    monkeypatch.chdir(tmp_path)
    words = ["image-dvae", "--data", "jets.h5", "--memory", "2GB", "--mixture", "qcd=9", "top=1", "--seeds", "2"]
    words += ["--epochs", "1", "--out", "scans/one", "--set", "data.window=512"]
    assert main(["train", *words]) == 0
    folders = sorted((tmp_path / "scans" / "one").glob("*/beta*"))
    assert len(folders) == 2
    for folder in folders:
        run = Run.open(folder)
        assert run.complete
        counts = run.provenance["counts"]["train"]
        assert counts["top"] / sum(counts.values()) == pytest.approx(0.1, abs=0.04)
    assert len([each for each in (tmp_path / "scans" / "jets-cache").iterdir() if each.is_dir()]) == 1
    assert Run.open(folders[0]).recipe.data.cache == str(tmp_path / "scans" / "jets-cache")
