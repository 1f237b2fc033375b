"""No key of a recipe is silently ignored: each is always used, or refused where it has no effect."""

import itertools

import numpy as np
import pytest
import torch

import inference
import jets
import models
from inference.folder import RunFolder
from inference.recipe import Recipe, RecipeError, read
from inference.tables import flat
from inference.trainer import Trainer
from inference.unused import RULES, SCHEDULED, unused
from jetvae.__main__ import main

ALWAYS = {
    "description",
    *(
        f"data.{key}"
        for key in ("files", "fraction", "limit", "test", "validation", "resident", "split", "window", "memory")
    ),
    *(f"model.{key}" for key in ("kind", "latent", "encoder", "decoder", "likelihood", "beta")),
    "model.equivariant",  # of what cannot turn it is refused by the model
    *(f"training.{key}" for key in ("epochs", "batch_size", "clip", "adam_betas", "plateau", "early_stop")),
    *(f"training.{key}" for key in ("seed", "restarts")),
    *(f"training.{key}" for key in ("max_skipped", "precision", "compile", "tensorboard", "threads", "device")),
    "training.checkpoint_seconds",
    *(f"schedule.{name}.{key}" for name, key in itertools.product(("lr", "beta"), ("shape", "stop"))),
}
"""Keys that every training uses."""


def test_every_key_is_used_always_or_has_a_rule():
    """A new key stands in one of the two tables."""
    schedules = {f"schedule.{name}" for name in SCHEDULED}
    keys = {key for key in flat(Recipe().model_dump()) if not key.startswith("schedule.")}
    keys |= {f"{table}.{key}" for table in schedules for key in ("shape", "start", "stop", "over", "delay", "cycles")}
    ruled = {key for rule in RULES for key in rule.keys}
    keys.add("data.fraction")  # empty by default
    assert keys == ALWAYS | ruled
    assert not ALWAYS & ruled


TOY = {"model.latent": "R2", "model.likelihood": "normal", "model.encoder": [8], "model.decoder": [8]}
TOY |= {"model.beta": 1.0, "training.batch_size": 50}
IMAGE = {"model.latent": "R1", "model.encoder": [8], "model.decoder": [8], "image.pixels": 8, "data.limit": 100}
IMAGE |= {"image.width": [0.2, 0.2]}
CLOUD = {"model.latent": "R1", "model.encoder": [8, 8], "model.decoder": [8], "model.likelihood": "emd"}
CLOUD |= {"model.beta": 0.1, "model.particles": 4, "data.limit": 40}
PIXELS = IMAGE | {"model.likelihood": "pixels", "model.particles": 40}
IWAE, AE = {"training.objective": "iwae"}, {"model.kind": "ae"}
RISING = {"shape": "linear", "start": 0.0}

IGNORED = {
    "particles": (TOY, {"training.particles": 3}, IWAE),
    "choice of one training": (
        TOY | {"model.latent": "L2(alpha=1,0.25)"},
        {"training.restarts_by": "share"},
        None,  # it chooses among trainings, and changes none
    ),
    "choice without an order": (
        TOY | {"training.restarts": 2},
        {"training.restarts_by": "share"},
        None,
    ),
    "objective of an autoencoder": (TOY | AE, IWAE, {"model.kind": "vae"}),
    "kl_weight of iwae": (TOY | IWAE, {"training.kl_weight": 0.5}, {"training.objective": "elbo"}),
    "kl_weight of an autoencoder": (TOY | AE, {"training.kl_weight": 0.5}, {"model.kind": "vae"}),
    "schedule of kl_weight": (TOY | IWAE, {"schedule.kl_weight": RISING}, {"training.objective": "elbo"}),
    "free_bits of iwae": (TOY | IWAE, {"training.free_bits": 3.0}, {"training.objective": "elbo"}),
    "free_bits without weight": (
        TOY | {"training.kl_weight": 0.0},
        {"training.free_bits": 3.0},
        {"training.kl_weight": 1.0},
    ),
    "capacity of iwae": (TOY | IWAE, {"training.capacity": 5.0}, {"training.objective": "elbo"}),
    "capacity of an autoencoder": (TOY | AE, {"training.capacity": 5.0}, {"model.kind": "vae"}),
    "schedule of capacity": (TOY, {"schedule.capacity": {**RISING, "stop": 9.0}}, {"training.capacity": 9.0}),
    "capacity's schedule of iwae": (
        TOY | IWAE,
        {"schedule.capacity": {**RISING, "stop": 9.0}},
        {"training.objective": "elbo", "training.capacity": 9.0},
    ),
    "lr that is replaced": (TOY | {"schedule.lr": {"stop": 1e-3}}, {"training.lr": 0.1}, {"schedule.lr": {}}),
    "weight that is replaced": (
        TOY | {"schedule.kl_weight": {"stop": 0.5}},
        {"training.kl_weight": 3.0},
        {"schedule.kl_weight": {}},
    ),
    "start of a constant": (
        TOY | {"schedule.lr.shape": "constant"},
        {"schedule.lr.start": 1e-4},
        None,  # others need a start
    ),
    "over of one-cycle": (
        TOY | {"schedule.lr": {"shape": "one-cycle"}},
        {"schedule.lr.over": 0.5},
        {"schedule.lr.shape": "linear", "schedule.lr.start": 1e-4},
    ),
    "delay of down-up-down": (
        TOY | {"schedule.lr": {"shape": "down-up-down", "start": 1e-4}},
        {"schedule.lr.delay": 0.5},
        {"schedule.lr.shape": "cyclical"},
    ),
    "cycles of a line": (
        TOY | {"schedule.lr": {"shape": "linear", "start": 1e-4}},
        {"schedule.lr.cycles": 3},
        {"schedule.lr.shape": "cyclical"},
    ),
    "step of one beta": (TOY, {"model.beta_step": 0.1}, {"model.beta": [0.5, 2.0]}),
    "activation of nothing": (
        TOY | {"model.encoder": [], "model.decoder": []},
        {"model.activation": "tanh"},
        {"model.encoder": [8]},
    ),
    "normalisation of nothing": (TOY | {"model.encoder": []}, {"model.batch_norm": True}, {"model.encoder": [8]}),
    "metric of images": (IMAGE, {"model.metric": "energy"}, CLOUD),
    "particles of images": (IMAGE, {"model.particles": 5}, {k: v for k, v in CLOUD.items() if k != "model.particles"}),
    "attention of images": (IMAGE, {"model.attention": 1}, CLOUD | {"model.encoder": [4, 4]}),
    "architecture of clouds": (CLOUD, {"model.architecture": "convolutional"}, PIXELS),
    "normalisation of clouds": (CLOUD, {"model.batch_norm": True}, PIXELS),
    "bias of clouds": (CLOUD, {"model.decoder_bias": False}, PIXELS),
    "scale of clouds": (CLOUD, {"model.scale": 3.0}, PIXELS),
    "pixels of vectors": (TOY, {"image.pixels": 10}, None),
    "width of vectors": (TOY, {"image.width": [0.1, 0.1]}, None),
    "steps of vectors": (TOY, {"image.steps": ["centre"]}, None),
    "turn of vectors": (TOY, {"image.steps": ["centre"], "image.turn": True}, None),
    "constituents of vectors": (TOY, {"data.constituents": 2}, None),
}
"""What is tried -> (recipe, keys that it ignores, what makes them count)."""


def drawn(vectors, sample):
    return jets.load("toy:gaussian(spectrum=3,1,n=200)") if vectors else sample[np.r_[0:80, 600:680]]


def outcome(recipe, sample, folder):
    """Return the weights after two epochs, without asking whether every key is used."""
    torch.manual_seed(0)
    vae = models.build(recipe.model, recipe.image.pixels**2 if not sample.are_vectors else 2)
    Trainer([RunFolder.create(folder, recipe, sample)], [recipe], [vae], sample).train()
    return torch.cat([parameter.detach().flatten() for parameter in vae.parameters()])


def same(first, second):
    return len(first) == len(second) and torch.allclose(first, second, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_refused_has_no_effect_and_what_is_not_has_one(name, sample, tmp_path):
    """By training with and without the keys: the same weights where they are refused, others where they are not."""
    settings, keys, counting = IGNORED[name]
    vectors = settings["model.likelihood"] == "normal" if "model.likelihood" in settings else False
    common = {"data.files": ["memory"], "training.epochs": 2, "training.compile": False}
    data = drawn(vectors, sample)

    def recipe(*parts):
        merged = {key: value for part in (common, settings, *parts) for key, value in part.items()}
        return inference.recipe.check(inference.recipe.merge({}, merged), "test")

    plain, ignored = recipe(), recipe(keys)
    assert unused(plain, vectors=vectors) == []
    found = unused(ignored, vectors=vectors)
    assert {line.split(" = ")[0] for line in found} <= {
        f"[{key.rpartition('.')[0]}] {key.rpartition('.')[2]}" for key in flat_keys(keys)
    }
    assert found
    assert same(outcome(plain, data, tmp_path / "plain"), outcome(ignored, data, tmp_path / "ignored"))
    if counting is not None:
        with_keys, without = recipe(keys, counting), recipe(counting)
        assert unused(with_keys, vectors=vectors) == []
        pair = (outcome(each, data, tmp_path / f"count{i}") for i, each in enumerate((with_keys, without)))
        assert not same(*pair)


def flat_keys(keys):
    """Return dotted keys, those of tables of a schedule too."""
    return [
        name for key, given in keys.items() for name in (flat(given, f"{key}.") if isinstance(given, dict) else [key])
    ]


def test_it_is_refused_before_anything_is_made(tmp_path, sample, capsys):
    """By the command, of a scan, and by fit; a run that was trained so stays readable."""
    words = ["--set", "schedule.capacity.shape=linear", "--set", "schedule.capacity.start=0"]
    out = tmp_path / "run"
    for more in ([], ["--seeds", "2"]):
        assert main(["train", "image-vae", "--epochs", "1", *words, *more, "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert said.count("error") == 1
        assert "[schedule.capacity] shape = 'linear' has no effect without [training] capacity" in said
        assert not out.exists()
    with pytest.raises(RecipeError, match=r"kl_weight = 2\.0 has no effect"):
        inference.fit(models.image_vae("R1"), sample, epochs=1, objective="iwae", kl_weight=2.0, out=out)
    assert not out.exists()


def test_what_vectors_decide_is_said(tmp_path, capsys):
    toy = {"data.files": ["toy:gaussian(spectrum=3,1,n=200)"], "training.epochs": 1, **TOY}
    run = inference.train(read("vae-gaussian", toy | {"schedule.lr": {}, "model.scale": 77.0}), tmp_path / "run")
    said = capsys.readouterr().err
    assert f"note: [model] scale = 77.0 is not used: the data say {run.recipe.model.scale}" in said
    assert said.count("note: [model] beta_step = 0.15 has no effect without a range of beta\n") == 1
    inference.train(read(run.path / "config.toml"), tmp_path / "again")
    assert "scale" not in capsys.readouterr().err
