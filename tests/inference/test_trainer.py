"""Replicas, streams and guards of whole trainings."""

import dataclasses

import numpy as np
import pytest
import torch

import inference
import jets
import models
from inference import checkpoints, scan
from inference.folder import CHECKPOINT, POSTMORTEM, WEIGHTS, RunFolder, load_tensors
from inference.grid import combinations, resume
from inference.recipe import ImageConfig, RecipeError, read
from inference.run import Run, RunError
from inference.trainer import Trainer
from inference.training import train_many, trainer_for

QUICK = {"training.epochs": 2, "data.fraction": {"qcd": 0.1, "top": 0.1}}


def weights(run):
    return load_tensors(run.path / WEIGHTS)


def assert_close(first, second, rtol=1e-3, atol=1e-4):
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=rtol, atol=atol)


def trained_together(recipes, folders, sample):
    """Train on jets in memory; return the runs."""
    opened = [RunFolder.create(folder, recipe, sample) for folder, recipe in zip(folders, recipes, strict=True)]
    vaes = []
    for recipe in recipes:
        torch.manual_seed(recipe.training.seed)
        vaes.append(models.build(recipe.model, recipe.image.pixels**2))
    Trainer(opened, recipes, vaes, sample).train()
    return [Run.open(folder) for folder in folders]


@pytest.mark.usefixtures("double")
def test_replicas_equal_runs_alone(sample, tmp_path):
    """Seeds and betas trained together: histories as if trained alone.

    In float64, where twelve steps of Adam blow a rounding of 1e-16 up to less than 1e-8 on any processor; another seed
    changes the loss by a percent, another beta by half. The KL of a bound is small beside it.
    """
    exact = dataclasses.replace(sample, constituents=sample.constituents.astype(np.float64))
    grid = [(0, 0.1), (1, 0.1), (1, 0.5)]
    changes = {"training.epochs": 2, "data.files": ["memory"]}
    recipes = [read("image-dvae", changes | {"training.seed": s, "model.beta": b}) for s, b in grid]
    together = trained_together(recipes, [tmp_path / f"r{i}" for i in range(3)], exact)
    for i, recipe in enumerate(recipes):
        (alone,) = trained_together([recipe], [tmp_path / f"alone{i}"], exact)
        for mine, theirs in zip(together[i].history, alone.history, strict=True):
            assert mine["beta"] == theirs["beta"]
            for name in ("loss", "kl", "validation_loss"):
                assert mine[name] == pytest.approx(theirs[name], rel=1e-8), name


@pytest.mark.usefixtures("double")
def test_replicas_that_stop_early_get_what_they_would_get_alone(sample, tmp_path):
    """A learning rate at which the loss goes up and down: replicas stop in different epochs, each as if alone.

    Adam moves each weight by up to 0.05 in a step, and what is left of a rounding of 1e-16 by 1e-5.
    """
    exact = dataclasses.replace(sample, constituents=sample.constituents.astype(np.float64))
    changes = {"training.epochs": 8, "training.early_stop": 1, "training.lr": 0.05, "data.files": ["memory"]}
    changes |= {"training.batch_size": 360}
    recipes = [read("image-vae", changes | {"training.seed": seed}) for seed in range(4)]
    together = trained_together(recipes, [tmp_path / f"r{i}" for i in range(4)], exact)
    lengths = [len(run.history) for run in together]
    assert len(set(lengths)) > 1, lengths
    for i, recipe in enumerate(recipes):
        (alone,) = trained_together([recipe], [tmp_path / f"alone{i}"], exact)
        assert len(alone.history) == lengths[i]
        assert together[i].complete
        assert together[i].history[-1]["validation_loss"] == pytest.approx(
            alone.history[-1]["validation_loss"], rel=1e-5
        )
        assert_close(weights(alone), weights(together[i]), rtol=0, atol=1e-3)


def test_replicas_of_clouds_equal_runs_alone(tmp_path, capfd):
    """The distance is in the vectorised step: no note or warning says that it is not."""
    jets.save(tmp_path / "w.h5", jets.load("sample:w")[:100])
    small = {"encoder": (8, 8), "decoder": (8,), "particles": 8, "latent": "R2"}
    options = {"data.files": (f"{tmp_path}/w.h5",), "data.constituents": 10, "training.epochs": 2}
    options |= {"training.batch_size": 20} | {f"model.{key}": value for key, value in small.items()}
    recipes = [read("jet-w", options | {"training.seed": seed}) for seed in (0, 1)]
    _, together = train_many(recipes, [tmp_path / f"r{i}" for i in range(2)])
    error = capfd.readouterr().err
    assert not any(word in error for word in ("compil", "trac", "eager", "vectoris")), "nothing keeps the step from it"
    assert "Warning" not in error
    alone = inference.train(recipes[1], tmp_path / "alone")
    for mine, theirs in zip(together.history, alone.history, strict=True):
        for name in ("loss", "kl", "validation_loss"):
            assert mine[name] == pytest.approx(theirs[name], rel=1e-4), name


def test_replicas_resume(tmp_path):
    """Of a scan, and of a folder of runs without manifest: the weights of an undisturbed training, bit for bit."""
    for epochs, name in ((4, "whole"), (2, "parts"), (2, "bare")):
        recipes = combinations("image-dvae", QUICK | {"training.epochs": epochs}, seeds=2)
        scan.create(tmp_path / name, recipes)
        assert all(run.complete for run in scan.train(tmp_path / name))
    (tmp_path / "bare/scan.json").unlink()
    for folder in (tmp_path / "parts", tmp_path / "bare/L2-alpha=0.9"):
        for second in resume(folder, {"training.epochs": 4}):
            first = Run.open(tmp_path / "whole/L2-alpha=0.9" / second.path.name)
            assert_close(weights(first), weights(second), rtol=0, atol=0)
            assert len(second.history) == 4


def test_replicas_must_be_alike(tmp_path):
    recipes = [read("image-dvae", QUICK), read("image-dvae", QUICK | {"training.batch_size": 50})]
    with pytest.raises(RecipeError, match="may differ"):
        train_many(recipes, [tmp_path / "a", tmp_path / "b"])


def test_streamed_equals_resident(tmp_path):
    runs = [
        inference.train(read("image-dvae", QUICK | {"data.resident": resident}), tmp_path / str(resident))
        for resident in (True, False)
    ]
    assert_close(weights(runs[0]), weights(runs[1]), rtol=0, atol=0)


RAW = ImageConfig(steps=())
"""No preprocessing: it would drop the bad constituents."""


def poisoned(sample, count):
    """Jets of which the first ``count`` make NaN images."""
    bad = jets.Jets(sample.constituents.copy(), sample.label, sample.classes)
    bad.constituents[:count, 0] = (np.nan, 0, 0)  # after the checks
    return bad


def test_bad_jets_are_skipped_and_named(sample, tmp_path, capsys):
    torch.manual_seed(0)
    bad = poisoned(sample, 3)
    run = inference.fit(models.image_vae(), bad, epochs=2, out=tmp_path / "run", seed=1, image=RAW)
    skipped = sum(row["skipped"] for row in run.history)
    assert 0 < skipped <= 6
    message = capsys.readouterr().err
    assert message.count("skipped: loss or gradient not finite") == skipped
    assert all(value.isfinite().all() for value in weights(run).values())
    assert np.isfinite(run.history[-1]["loss"])


def test_too_many_bad_jets_stop_the_run(sample, tmp_path):
    options = {"epochs": 2, "out": tmp_path / "run", "max_skipped": 2, "image": RAW}
    with pytest.raises(RunError, match=POSTMORTEM):
        inference.fit(models.image_vae(), poisoned(sample, 600), **options)
    found = load_tensors(tmp_path / "run" / POSTMORTEM)
    assert found["site"].startswith("x")
    assert not found["x"].isfinite().all()


def test_no_step_taken_is_no_training(sample, tmp_path):
    """Every step fails, and as many may be skipped: no weights, and no folder in the way of the next attempt."""
    with pytest.raises(RunError, match="no step was taken"):
        inference.fit(
            models.image_vae(),
            poisoned(sample, len(sample)),
            epochs=2,
            out=tmp_path / "run",
            max_skipped=999,
            image=RAW,
        )
    assert not (tmp_path / "run").exists()


def test_the_folder_of_a_failure_without_results_is_taken_again(sample, tmp_path):
    options = {"epochs": 1, "out": tmp_path / "run", "max_skipped": 0, "image": RAW}
    with pytest.raises(RunError, match=POSTMORTEM):
        inference.fit(models.image_vae(), poisoned(sample, 600), **options)
    run = inference.fit(models.image_vae(), sample, **options)
    assert run.complete
    assert not (run.path / POSTMORTEM).exists()


def test_weights_that_are_no_numbers_are_never_called_trained(tmp_path):
    """In a checkpoint, after a step, in the weights: refused each time, with the tensor's name."""
    recipe = read("image-dvae", QUICK)
    trainer = trainer_for([recipe], [tmp_path / "run"])
    trainer.train(until=1)
    content = RunFolder(tmp_path / "run").checkpoint()
    content["model"]["decoder.0.weight"][0, 0] = np.nan
    RunFolder(tmp_path / "run").save(CHECKPOINT, content)
    with pytest.raises(RunError, match=r"decoder\.0\.weight holds numbers that are not finite"):
        inference.train(recipe, tmp_path / "run", resume=True)
    with pytest.raises(RunError, match="not finite"):
        _ = Run.open(tmp_path / "run").vae
    with torch.no_grad():
        next(trainer.vaes[0].parameters()).fill_(np.inf)
    for write in (checkpoints.save, checkpoints.finish):
        with pytest.raises(RunError, match="not finite"):
            write(trainer.replicas)
    assert not (tmp_path / "run" / WEIGHTS).exists()
    (tmp_path / "run" / CHECKPOINT).write_bytes(b"torn")
    with pytest.raises(RunError, match=r"checkpoint\.safetensors: not a file of tensors, or torn"):
        inference.train(recipe, tmp_path / "run", resume=True)


@pytest.mark.parametrize("options", [{"lr": float("inf")}, {"epohs": 3}])
def test_fit_refuses_options_as_a_recipe_does(sample, tmp_path, options):
    with pytest.raises(RecipeError, match=next(iter(options))):
        inference.fit(models.image_vae(), sample, out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("latent", ["V2:5000", "R1 | V2:5000"])
def test_a_prior_that_needs_more_jets_than_there_are(latent, tmp_path):
    changes = QUICK | {"model.latent": latent, "data.fraction": {"qcd": 0.01, "top": 0.01}}
    with pytest.raises(RecipeError, match="V2:5000 starts at 5000 training jets, and there are 120"):
        inference.train(read("image-vae", changes), tmp_path / "run")
    with pytest.raises(RecipeError, match="V2:5000 starts at 5000 training jets"):
        scan.create(tmp_path / "run", combinations("image-vae", changes, seeds=2))
    assert not (tmp_path / "run").exists()


def test_jets_that_leave_none_to_test_on(sample, tmp_path):
    """One jet of each class: what no command could evaluate later is not trained."""
    with pytest.raises(RecipeError, match="no jet of 2 is held out for testing"):
        inference.fit(models.image_vae(), sample[np.r_[0, 600]], epochs=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_scan_of_which_nothing_was_trained_is_not_in_the_way(tmp_path):
    changes = QUICK | {"model.latent": "C2 x R2", "training.objective": "iwae"}
    scan.create(tmp_path / "scan", combinations("image-vae", changes, seeds=2))
    with pytest.raises(RecipeError, match="C2"):
        scan.train(tmp_path / "scan")
    assert not (tmp_path / "scan").exists()


def test_low_precision_trains(tmp_path):
    run = inference.train(read("image-dvae", QUICK | {"training.precision": "bf16"}), tmp_path / "run")
    reference = inference.train(read("image-dvae", QUICK), tmp_path / "reference")
    assert run.history[-1]["loss"] == pytest.approx(reference.history[-1]["loss"], rel=0.02)


def test_tensorboard_is_optional(tmp_path):
    recipe = read("image-dvae", QUICK | {"training.tensorboard": True})
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(RecipeError, match="pip install tensorboard"):
            inference.train(recipe, tmp_path / "run")
    else:
        assert list((inference.train(recipe, tmp_path / "run").path / "tensorboard").iterdir())
