"""A run, opened once: what it holds, what it refuses, the command that made it."""

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import inference
import models
from inference import checkpoints, scan
from inference.folder import CHECKPOINT, REPLICAS, WEIGHTS, RunFolder
from inference.grid import combinations, continued, resume
from inference.provenance import command_line
from inference.recipe import RecipeError
from inference.run import Run, RunError
from inference.training import trainer_for
from jets.sums import SUMS
from models import Beta

QUICK = {"training.epochs": 2, "data.fraction": {"qcd": 0.02, "top": 0.02}}


def test_everything_is_read_once(trained):
    assert trained.complete
    assert trained.jets[trained.split.test].counts == trained.provenance["counts"]["test"]
    assert len(trained.data) == len(trained.jets)
    assert not trained.vae.training
    for name in ("recipe", "provenance", "history", "jets", "split", "data", "vae"):
        assert getattr(trained, name) is getattr(trained, name)


def test_jets_in_memory_are_to_be_given_and_the_same(trained, sample, tmp_path):
    assert trained.jets is sample
    with pytest.raises(RunError, match=r"changed since this run was trained; .*Run\.open"):
        _ = Run.open(trained.path).jets  # a part of what lies in its files
    with pytest.raises(RunError, match="changed since this run was trained"):
        _ = Run.open(trained.path, sample[:-1]).jets
    nameless = dataclasses.replace(sample, sources=())
    run = inference.fit(models.image_vae("R1"), nameless, epochs=1, out=tmp_path / "run")
    with pytest.raises(RunError, match=r"jets in memory; pass those .*Run\.open"):
        _ = Run.open(run.path).jets
    assert Run.open(run.path, nameless).split.test.tolist() == run.split.test.tolist()


def test_a_second_fit_continues_the_first_and_says_so(sample, tmp_path):
    vae = models.image_vae("R1")
    first, second = (inference.fit(vae, sample, epochs=1, out=tmp_path / name) for name in ("first", "second"))
    assert first.provenance["initial_weights"] == "of the model given to fit"
    assert second.provenance["initial_weights"] == f"of {first.path}, trained further"
    assert second.history[0]["loss"] < first.history[0]["loss"]
    for name in (CHECKPOINT, WEIGHTS, "history.csv"):
        (second.path / name).unlink()
    with pytest.raises(RunError, match=r"its initial weights, of .*first, trained further, are lost"):
        RunFolder.open(second.path).continued(second.recipe, sample)


def test_digest_is_of_recipe_and_weights(trained, tmp_path):
    copy = shutil.copytree(trained.path, tmp_path / "copy")
    assert Run.open(copy).digest == trained.digest
    (copy / SUMS).unlink()
    for name in (WEIGHTS, "config.toml"):
        before = Run.open(copy).digest
        (copy / name).write_bytes((copy / name).read_bytes() + b"\n")
        assert Run.open(copy).digest != before


def test_only_a_range_can_be_seen_at_another_beta(trained, tmp_path):
    with trained.at() as vae:
        assert float(vae.likelihood.beta) == pytest.approx(0.1)
    with pytest.raises(RunError, match=r"trained at beta = 0\.1 alone"), trained.at(0.2):
        pass
    changes = {"training.epochs": 1, "data.files": ["toy:gaussian(spectrum=4,1, n=500)"], "model.beta": Beta(0.25, 4.0)}
    run = inference.train(inference.read("vae-gaussian", changes), tmp_path / "range")
    for beta, expected in ((None, 1.0), (0.5, 0.5)):
        with run.at(beta) as vae:
            assert float(vae.likelihood.beta) == pytest.approx(expected)
    for beta in (0.0, -1.0, 0.1, 5.0, float("nan"), float("inf")):
        with pytest.raises(RunError, match=r"is outside the range 0\.25:4"), run.at(beta):
            pass


def test_text_is_utf8_in_any_locale(tmp_path):
    """As on Windows before Python 3.15, where the locale's encoding is the default."""
    program = f"""
from pathlib import Path
from inference import read
from inference.folder import RunFolder
from inference.run import Run
text = read("image-dvae", {{"data.files": ["j\\u00e9ts.h5"]}}).to_toml()
RunFolder(Path({str(tmp_path)!r})).write_text("config.toml", text)
print(ascii(Run.open({str(tmp_path)!r}).recipe.data.files[0]))"""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **plain}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ascii("j\u00e9ts.h5")
    (tmp_path / "config.toml").write_bytes("description = 'j\u00e9ts'".encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        _ = Run.open(tmp_path).recipe
    (tmp_path / "provenance.json").write_text("{")
    with pytest.raises(RunError, match=r"provenance\.json: not readable as JSON"):
        _ = Run.open(tmp_path).provenance


def test_no_run_and_no_weights(tmp_path):
    with pytest.raises(RunError, match=r"no run there .*: jetvae train"):
        Run.open(tmp_path)
    (run,) = (scan.create(tmp_path / "scan", combinations("image-dvae", QUICK)), scan.runs(tmp_path / "scan"))[1]
    assert not run.complete
    with pytest.raises(RunError, match=r"no weights yet; train on: jetvae resume"):
        _ = run.vae
    with pytest.raises(RunError, match=r"cannot change model\.beta, training\.lr"):
        continued(run.path, {"training.lr": 1.0, "model.beta": 3.0, "training.epochs": 9})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/bin/python3", "-m", "jetvae", "train", "--latent", "R1 | S1"], "jetvae train --latent 'R1 | S1'"),
        (["/v/bin/python3", "/v/bin/jetvae", "report", "my run"], "jetvae report 'my run'"),
        (["/bin/python3.11", "-m", "inference.svi", "--set", "model.beta=0.1"], None),
    ],
)
def test_command_can_be_pasted(words, expected):
    text = command_line(words)
    assert text == (expected or "python3.11 -m inference.svi --set model.beta=0.1")
    assert shlex.split(text)[-1] == words[-1]


def test_interrupted_replicas_resume_in_other_company(tmp_path):
    """Stopped together after one epoch, resumed one by one: the weights of an undisturbed training to rounding."""
    recipes = combinations("image-dvae", QUICK, seeds=3)
    for name in ("whole", "parts"):
        scan.create(tmp_path / name, recipes)
    scan.train(tmp_path / "whole")
    runs = scan.runs(tmp_path / "parts")
    trainer_for([run.recipe for run in runs], [run.path for run in runs], resume=True).train(until=1)
    assert (runs[0].path.parent / REPLICAS).exists()
    resumed = resume(tmp_path / "parts", {}, together=2)
    assert not (runs[0].path.parent / REPLICAS).exists()
    for run, whole in zip(resumed, scan.runs(tmp_path / "whole"), strict=True):
        assert run.complete
        assert RunFolder(run.path).checkpoint()["epochs"][0]["seconds"] == run.history[0]["seconds"]
        losses = [[row["loss"] for row in each.history] for each in (run, whole)]
        np.testing.assert_allclose(*losses, rtol=1e-3)
    with pytest.raises(RunError, match="trained longer than"):
        uneven(runs)


def uneven(runs):
    """Set the first of two runs back by an epoch and open both for training."""
    folder = RunFolder(runs[0].path)
    content = folder.checkpoint()
    folder.save(CHECKPOINT, content | {"epochs": content["epochs"][:1]})
    trainer_for([run.recipe for run in runs[:2]], [run.path for run in runs[:2]], resume=True)


def test_a_checkpoint_holds_what_the_state_does(tmp_path):
    recipe = inference.read("image-dvae", QUICK)
    trainer = trainer_for([recipe], [tmp_path / "run"])
    trainer.train(until=1)
    before = [tensor.clone() for tensor in trainer.state.flat]
    trainer.train_epoch(1)
    assert not all(torch.equal(a, b) for a, b in zip(before, trainer.state.flat, strict=True))
    checkpoints.restore(trainer.replicas, trainer.device)
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.state.flat, strict=True))
    assert trainer.done == 1


FEW = {"training.epochs": 2, "data.limit": 300, "model.encoder": [8], "model.decoder": [8]}
OTHERS = {
    "a moment of one number": (("first", 0), lambda t: t.flatten()[:1].clone()),
    "a weight in double precision": (("model", "decoder.0.weight"), lambda t: t.double()),
    "a weight of another shape": (("model", "decoder.0.weight"), lambda t: t[None].clone()),
    "a random state cut short": (("rng",), lambda t: t[:100].clone()),
    "a random state of zeros": (("rng",), lambda t: t * 0),
    "steps of other columns": (("steps",), lambda t: t[:, :2].clone()),
    "a history of other columns": (("epochs",), lambda rows: [{"loss": 1.0} for _ in rows]),
    "a history that lacks an epoch": (("epochs",), lambda rows: [*rows, *rows]),
    "a number that is no float": (("epochs",), lambda rows: [row | {"loss": 10**400} for row in rows]),
    "no history": (("epochs",), lambda rows: 3),
    "no model": (("model",), lambda state: [1, 2]),
    "a model of more": (("model",), lambda state: state | {"x": torch.zeros(2)}),
}


@pytest.fixture(scope="module")
def stopped_early(tmp_path_factory):
    """A training stopped after its first epoch."""
    recipe = inference.read("image-dvae", FEW)
    trainer_for([recipe], [tmp_path_factory.mktemp("stopped") / "run"]).train(until=1)
    return next(tmp_path_factory.getbasetemp().glob("stopped*/run"))


@pytest.mark.parametrize("case", OTHERS)
def test_a_checkpoint_of_another_model_is_refused(case, stopped_early, tmp_path):
    """Nothing is broadcast, rounded or made up: one line, and the run is as it was."""
    folder = RunFolder(shutil.copytree(stopped_early, tmp_path / "run"))
    content = folder.checkpoint()
    (*above, last), change = OTHERS[case]
    owner = content
    for name in above:
        owner = owner[name]
    owner[last] = change(owner[last])
    folder.save(CHECKPOINT, content)
    before = (folder.path / CHECKPOINT).read_bytes()
    with pytest.raises(RunError, match=r"the checkpoint is not of this recipe, or damaged|not what a training writes"):
        resume(folder.path, {})
    assert (folder.path / CHECKPOINT).read_bytes() == before


def test_weights_of_before_the_training_went_on_are_never_taken_for_the_new(tmp_path, monkeypatch):
    """Killed between the last checkpoint and the new weights: the run is not complete, and ends as undisturbed."""
    recipe = inference.read("image-dvae", FEW)
    run = inference.train(recipe, tmp_path / "run")
    longer = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 3})})
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "finish", lambda replicas: None)
        inference.train(longer, run.path, resume=True)
    killed = Run.open(run.path)
    assert (len(killed.history), killed.complete, (run.path / WEIGHTS).exists()) == (3, False, False)
    resumed, whole = resume(run.path, {})[0], inference.train(longer, tmp_path / "whole")
    for name, tensor in whole.vae.state_dict().items():
        assert torch.equal(resumed.vae.state_dict()[name], tensor)
