"""Trainings that stop early keep their best epoch; replicas that fail do so alone."""

import numpy as np
import pytest
import torch

import inference
import jets
import models
from inference import scan
from inference.folder import CHECKPOINT, POSTMORTEM, REPLICAS, WEIGHTS, RunError, RunFolder, load_tensors
from inference.grid import combinations, resume
from inference.recipe import read
from inference.run import Run
from inference.schedules import best_of
from inference.splits import split
from inference.trainer import Trainer
from inference.training import trainer_for
from inference.validation import mean_bound

OVERFITTING = {
    "training.epochs": 40,
    "training.batch_size": 20,
    "training.early_stop": 3,
    "training.lr": 0.02,
    "data.fraction": {"qcd": 0.01, "top": 0.01},
    "model.encoder": [30],
    "model.decoder": [30],
}


def weights(run):
    return load_tensors(run.path / WEIGHTS)


def assert_same(first, second):
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=0, atol=0)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A training that stopped early."""
    return inference.train(read("image-vae", OVERFITTING), tmp_path_factory.mktemp("early") / "run")


def test_the_best_epoch_is_kept(stopped, tmp_path):
    """Its weights are those of a training of just so many epochs; their loss is the smallest that was seen."""
    losses = [row["validation_loss"] for row in stopped.history]
    best = losses.index(min(losses)) + 1
    assert best == len(losses) - 3 < 40
    assert stopped.provenance["weights_epoch"] == best
    assert [row["best"] for row in stopped.history] == [best_of(losses[: i + 1]) + 1 for i in range(len(losses))]
    shorter = inference.train(read("image-vae", OVERFITTING | {"training.epochs": best}), tmp_path / "shorter")
    plain = OVERFITTING | {"training.epochs": best, "training.early_stop": 0}
    alone = inference.train(read("image-vae", plain), tmp_path / "alone")
    for other in (shorter, alone):
        assert_same(weights(stopped), weights(other))
    assert "best" not in alone.history[0]
    assert "weights_epoch" not in alone.provenance
    again = mean_bound(stopped.vae, stopped.data, stopped.split.validation, 0)
    assert again["validation_loss"] == pytest.approx(min(losses), rel=1e-6)


@pytest.mark.parametrize("before", [2, 1, -1])
def test_an_interrupted_training_keeps_the_same_epoch(stopped, tmp_path, before):
    """Interrupted before the best epoch, at it, or when it waited for a better one."""
    best = stopped.provenance["weights_epoch"]
    recipe = read("image-vae", OVERFITTING)
    trainer_for([recipe], [tmp_path / "run"]).train(until=best + 1 - before)
    resumed = inference.train(recipe, tmp_path / "run", resume=True)
    assert_same(weights(stopped), weights(resumed))
    assert resumed.provenance["weights_epoch"] == best
    again = inference.train(recipe, tmp_path / "run", resume=True)  # of a finished run nothing changes
    assert_same(weights(stopped), weights(again))
    assert len(again.history) == len(stopped.history)


def test_a_checkpoint_of_before_the_best_was_kept_ends_with_the_last(stopped, tmp_path):
    recipe = read("image-vae", OVERFITTING)
    trainer_for([recipe], [tmp_path / "run"]).train(until=len(stopped.history))
    folder = RunFolder(tmp_path / "run")
    old = folder.checkpoint()
    del old["best"]
    old["epochs"] = [{key: value for key, value in row.items() if key != "best"} for row in old["epochs"]]
    folder.save(CHECKPOINT, old)
    resumed = inference.train(recipe, tmp_path / "run", resume=True)
    assert_same(weights(resumed), old["model"])
    assert resumed.provenance["weights_epoch"] == len(resumed.history) == len(stopped.history)
    assert resumed.history[-1]["best"] == stopped.history[-1]["best"]


def test_the_model_of_fit_is_the_one_that_was_kept(sample, tmp_path):
    """Few jets, of one class, none held out for validation: the training loss decides."""
    torch.manual_seed(0)
    vae = models.image_vae()
    options = {
        "epochs": 60,
        "early_stop": 1,
        "lr": 0.05,
        "batch_size": 20,
        "data": inference.recipe.DataConfig(validation=0),
    }
    run = inference.fit(vae, sample[:60], out=tmp_path / "run", **options)
    losses = [row["loss"] for row in run.history]
    assert run.provenance["weights_epoch"] == losses.index(min(losses)) + 1 < len(losses)
    assert_same(vae.state_dict(), run.vae.state_dict())


def test_replicas_each_keep_their_own_best(tmp_path):
    recipes = [read("image-vae", OVERFITTING | {"training.seed": seed}) for seed in range(3)]
    folders = [tmp_path / f"seed{seed}" for seed in range(3)]
    trainer_for(recipes, folders).train(until=6)
    together = inference.training.train_many(recipes, folders, resume=True)
    epochs = [run.provenance["weights_epoch"] for run in together]
    assert len({len(run.history) for run in together}) > 1
    for run, best in zip(together, epochs, strict=True):
        losses = [row["validation_loss"] for row in run.history]
        assert losses.index(min(losses)) + 1 == best
        found = mean_bound(run.vae, run.data, run.split.validation, run.recipe.training.seed)
        assert found["validation_loss"] == pytest.approx(min(losses), rel=1e-5)


def one_bad(sample, seeds):
    """Jets of which one that makes NaN images is trained on by the first seed, and held out by the others."""
    recipes = [read("image-vae", {"training.seed": seed}) for seed in range(seeds)]
    parts = [split(sample, recipe.data, recipe.training.seed) for recipe in recipes]
    (row, *_) = [i for i in parts[0].train if all(i in part.test for part in parts[1:])]
    bad = jets.Jets(sample.constituents.copy(), sample.label, sample.classes)
    bad.constituents[row, 0] = (np.nan, 0, 0)  # after the checks
    return bad


def trainer_on(bad, folders, **changes):
    changes = {f"training.{key}": value for key, value in changes.items()}
    changes |= {"data.files": ["memory"], "image.steps": [], "training.max_skipped": 0, "training.epochs": 3}
    recipes = [read("image-vae", changes | {"training.seed": seed}) for seed in range(len(folders))]
    vaes = []
    for recipe in recipes:
        torch.manual_seed(recipe.training.seed)
        vaes.append(models.build(recipe.model, recipe.image.pixels**2))
    opened = [RunFolder.create(folder, recipe, bad) for folder, recipe in zip(folders, recipes, strict=True)]
    return Trainer(opened, recipes, vaes, bad)


def test_one_replica_that_fails_does_not_stop_the_others(sample, tmp_path, capsys):
    """Its seed is named; the others end as without it."""
    bad = one_bad(sample, 3)
    folders = [tmp_path / f"seed{seed}" for seed in range(3)]
    with pytest.raises(RunError, match=r"1 of 3 runs failed, 2 trained: seed 0: .*seed0: 1 steps had no finite loss"):
        trainer_on(bad, folders).train()
    assert "nan" not in capsys.readouterr().err.rpartition("epoch 3/3")[2]
    assert [(folder / WEIGHTS).exists() for folder in folders] == [False, True, True]
    assert (folders[0] / POSTMORTEM).exists()
    assert not (tmp_path / REPLICAS).exists()
    healthy = [tmp_path / "healthy" / f"seed{seed}" for seed in range(3)]
    trainer_on(sample, healthy).train()
    for mine, theirs in zip(folders[1:], healthy[1:], strict=True):
        assert_same(weights(Run(mine)), weights(Run(theirs)))
        assert len(Run(mine).history) == 3
    with pytest.raises(RunError, match=r"^.*alone: 1 steps had no finite loss"):
        trainer_on(bad, [tmp_path / "alone"]).train()


def test_what_was_saved_of_a_replica_that_failed_is_its_own(tmp_path, capsys):
    """A run of a scan whose weights are spoilt on the disk, then one spoilt in memory: the others finish."""
    quick = {"training.epochs": 3, "data.fraction": {"qcd": 0.02, "top": 0.02}, "training.checkpoint_seconds": 0.0}
    recipes = combinations("image-dvae", quick, seeds=3)
    scan.create(tmp_path / "scan", recipes)
    folders = scan.folders(tmp_path / "scan")
    trainer_for([*recipes.values()], folders, resume=True).train(until=1)
    shared = folders[0].parent / REPLICAS
    contents = load_tensors(shared)
    contents[folders[1].name]["model"]["decoder.0.weight"][0, 0] = np.nan
    RunFolder(shared.parent).save(shared.name, contents)
    trainer = trainer_for([*recipes.values()], folders, resume=True)
    trainer.train_epoch(1)
    with torch.no_grad():
        next(trainer.vaes[2].parameters()).fill_(np.inf)
    with pytest.raises(
        RunError, match=r"2 of 3 runs failed, 1 trained: seed 1: .*checkpoint: .*; seed 2: .*not finite"
    ):
        trainer.train()
    assert [(folder / WEIGHTS).exists() for folder in folders] == [True, False, False]
    assert [(folder / CHECKPOINT).exists() for folder in folders] == [True, True, True]
    assert [run.complete for run in scan.runs(tmp_path / "scan")] == [True, False, False]
    assert len(RunFolder(folders[2]).checkpoint()["epochs"]) == 1
    with pytest.raises(RunError, match=r"seed1: the checkpoint: .* not finite"):  # and the third one is trained
        scan.train(tmp_path / "scan")
    assert [run.complete for run in scan.runs(tmp_path / "scan")] == [True, False, True]
    capsys.readouterr()


def test_a_training_that_did_not_stop_is_prolonged_and_one_that_did_is_not(stopped, tmp_path):
    """Of a scan; each is judged by the epoch whose weights it keeps."""
    for name, epochs in (("short", 3), ("long", 40)):
        recipe = read("image-vae", OVERFITTING | {"training.epochs": epochs})
        inference.train(recipe, tmp_path / "scan" / name)
    short, long = (Run.open(tmp_path / "scan" / name) for name in ("short", "long"))
    losses = [row["validation_loss"] for row in long.history]
    assert long.ended["validation_loss"] == min(losses) < long.history[-1]["validation_loss"]
    assert (short.complete, len(short.history)) == (True, 3)
    resume(tmp_path / "scan", {"training.epochs": 60})
    again, same = (Run.open(tmp_path / "scan" / name) for name in ("short", "long"))
    assert len(again.history) == len(same.history) == len(stopped.history)
    for run in (again, same):
        assert_same(weights(run), weights(stopped))
    config = (short.path / "config.toml").read_text()
    RunFolder(short.path).write_text("config.toml", config.replace("epochs = 60", "epochs = 90"))
    assert Run.open(short.path).complete, "it stopped; more epochs change nothing"
