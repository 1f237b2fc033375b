"""Several trainings of one recipe, of which the best is the run: against one alone, killed, resumed, failing."""

import json
import shutil

import numpy as np
import pytest
import torch

from inference import restarts, training
from inference.folder import CHECKPOINT, REPLICAS, WEIGHTS, load_tensors
from inference.recipe import RecipeError, read
from inference.run import Run, RunError
from inference.training import fit, train_many
from jets.sums import SUMS, assert_intact
from jetvae.__main__ import main

SHORT = {
    "data.files": ["toy:gaussian(spectrum=2,1)"],
    "data.limit": 60,
    "model.latent": "R1",
    "model.likelihood": "normal",
    "model.beta": 0.5,
    "model.encoder": [4],
    "model.decoder": [4],
    "training.epochs": 2,
    "training.batch_size": 20,
    "training.compile": False,
    "training.checkpoint_seconds": 0,
}


def recipe(**changes):
    return read(
        "vae-gaussian", SHORT | {"schedule": {}} | {key.replace("__", "."): value for key, value in changes.items()}
    )


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    return train_many([recipe(training__restarts=3)], [tmp_path_factory.mktemp("best") / "run"])[0]


def same(one, other):
    first, second = load_tensors(one / WEIGHTS), load_tensors(other / WEIGHTS)
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_best_of_all_is_kept(best):
    record = best.provenance["restarts"]
    assert len(record["loss"]) == 3
    assert len(set(record["loss"])) == 3
    assert record["kept"] == int(np.argmin(record["loss"])) == best.provenance["start"]
    assert best.ended["loss"] == min(record["loss"])
    assert best.complete
    names = {path.name for path in best.path.iterdir()}
    assert {"config.toml", "history.csv", "history.nc", CHECKPOINT, WEIGHTS, SUMS} <= names
    assert not {restarts.RESTARTS, restarts.MAKING} & names
    for name in ("config.toml", "history.csv", "provenance.json", WEIGHTS):
        assert_intact(best.path / name)
        assert name in (best.path / SUMS).read_text()


def test_the_first_start_is_the_run_without_restarts(best, tmp_path):
    """To float32 rounding, which Adam amplifies; all have one split."""
    alone = train_many([recipe()], [tmp_path / "alone"])[0]
    np.testing.assert_allclose(alone.ended["loss"], best.provenance["restarts"]["loss"][0], rtol=1e-4)
    assert "start" not in alone.provenance
    np.testing.assert_array_equal(alone.split.train, best.split.train)


class Killed(BaseException):
    """As SIGKILL: nothing that is written for errors runs."""


@pytest.mark.parametrize("where", ["rename", "train", "weights", "sums"])
def test_resumes_after_a_kill(where, best, tmp_path, monkeypatch):
    """Between making the folders, epochs, and each file of the best: the weights are the same as without the kill."""

    def kill(*args, **kwargs):
        raise Killed

    out, own = tmp_path / "run", recipe(training__restarts=3)
    with monkeypatch.context() as patch:
        if where == "train":
            usual = training.Trainer.train_epoch
            patch.setattr(
                training.Trainer, "train_epoch", lambda self, epoch, *_: kill() if epoch else usual(self, epoch)
            )
        elif where == "weights":
            usual = restarts.copied
            patch.setattr(restarts, "copied", lambda a, b: kill() if a.name == WEIGHTS else usual(a, b))
        else:
            patch.setattr(*{"rename": (restarts, "parts_of"), "sums": (restarts, "clear")}[where], kill)
        with pytest.raises(Killed):
            train_many([own], [out])
    (again,) = train_many([own], [out], resume=True)
    assert again.complete
    assert same(again.path, best.path)
    assert again.provenance["restarts"] == best.provenance["restarts"]
    assert not (out / restarts.RESTARTS).exists()
    assert again.recipe.training.restarts == 3


def test_goes_on_with_the_best_alone(best, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(best.path, out)
    assert main(["resume", str(out), "--epochs", "3"]) == 0
    run = Run.open(out)
    assert run.complete
    assert len(run.history) == 3
    assert run.history[:2] == best.history
    assert run.provenance["restarts"] == best.provenance["restarts"]


def test_a_scan_of_seeds(tmp_path, capsys):
    """Each cell has restarts of its own; a scan that was stopped between two cells resumes."""
    sets = [f"--set={key}={json.dumps(value)}" for key, value in SHORT.items()]
    arguments = ["train", "vae-gaussian", *sets, "--seeds", "2", "--restarts", "2", "--out", str(tmp_path / "scan")]
    assert main([*arguments, "--set=schedule={}"]) == 0
    said = capsys.readouterr().out
    assert said.count("best of 2 trainings by the loss on the training jets") == 2
    members = sorted((tmp_path / "scan/R1").glob("*/weights.safetensors"))
    assert len(members) == 2
    losses = [Run(path.parent).provenance["restarts"]["loss"] for path in members]
    assert len({*losses[0], *losses[1]}) == 4
    assert main(["resume", str(tmp_path / "scan")]) == 0


def test_one_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    from inference import trainer

    usual = trainer.guard

    def failing(replica, *rest):
        if restarts.start_of(replica.folder) == 1:
            raise RunError("no")
        usual(replica, *rest)

    monkeypatch.setattr(trainer, "guard", failing)
    (run,) = train_many([recipe(training__restarts=3)], [tmp_path / "run"])
    assert run.provenance["restarts"]["loss"][1] is None
    assert "1 of 3 runs failed, 2 trained: seed 0, start 1: no" in capsys.readouterr().err
    assert "failed" in restarts.said(run.provenance["restarts"])
    monkeypatch.setattr(trainer, "guard", lambda replica, *rest: (_ for _ in ()).throw(RunError("no")))
    with pytest.raises(RunError, match="3 of 3 runs failed"):
        train_many([recipe(training__restarts=3)], [tmp_path / "none"])
    assert not (tmp_path / "none").exists()


def test_refusals(best, tmp_path):
    jets = best.jets
    with pytest.raises(RecipeError, match="initial weights of their own"):
        fit(best.vae, jets, restarts=2, out=tmp_path / "fit")
    with pytest.raises(RecipeError, match="restarts"):
        recipe(training__restarts=0)
    assert not (best.path.parent / REPLICAS).exists()
