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
from inference.recipe import read
from jets.out_of_core import sample as sample_module

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
        ("image-vae", 256, {"model.latent": "R2(prior=vamp, components=4)", "training.batch_size": 400}),
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


@pytest.mark.parametrize("stop", [1, 2, 5])
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

    monkeypatch.setattr(Trainer, "take", interrupted)
    with pytest.raises(Interrupted):
        inference.train(one, tmp_path / "run")
    monkeypatch.undo()
    small_blocks.__wrapped__(monkeypatch) if hasattr(small_blocks, "__wrapped__") else None
    checkpoint = RunFolder(tmp_path / "run").checkpoint()
    assert ("begun" in checkpoint) == (stop % 6 != 0)
    assert_equal(inference.train(one, tmp_path / "run", resume=True), whole)
