"""A model that the user made: its run can be opened again, or the data are refused before anything is written."""

import numpy as np
import pytest
import torch

import inference
import models
from inference.recipe import RecipeError
from jets import Jets

FAST = {"epochs": 1, "compile": False}


def vae_of(**config):
    return models.build(models.ModelConfig(encoder=(4,), decoder=(4,), **config))


def vectors(length):
    return Jets(np.random.default_rng(0).normal(size=(30, length)), np.zeros(30, int), ("points",))


def same_weights(run, vae):
    stored, trained = run.vae.state_dict(), vae.state_dict()
    return all(torch.equal(stored[name], trained[name].cpu()) for name in trained)


def test_the_length_of_vectors_is_recorded(tmp_path):
    config = models.ModelConfig(encoder=(4,), decoder=(4,), likelihood="normal", latent="R2")
    vae = models.build(config, inputs=3)
    run = inference.fit(vae, vectors(3), out=tmp_path / "run", **FAST)
    assert run.recipe.model.inputs == 3
    assert same_weights(run, vae)


def test_pseudo_inputs_of_clouds_are_read_back(tmp_path, sample):
    """They are jets of as many constituents as the sample has, not of as many particles as the decoder makes."""
    vae = vae_of(likelihood="emd", latent="V1:3", particles=4)
    run = inference.fit(vae, sample[:30], out=tmp_path / "run", **FAST)
    assert vae.state_dict()["latent._factors.0.pseudo_inputs"].shape == (3, 50, 3)
    assert same_weights(run, vae)


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        ({"likelihood": "normal", "inputs": 3}, 4, r"does not take data of shape \(4,\)"),
        ({"likelihood": "pixels"}, 4, "vectors need a model with likelihood = 'normal', not 'pixels'"),
        ({"likelihood": "emd"}, 4, "not 'emd'"),
        ({"likelihood": "normal", "inputs": 3}, None, "of vectors of 3 numbers; these are jets"),
    ],
)
def test_a_model_of_other_data_is_refused(tmp_path, sample, model, data, words):
    jets = sample[:30] if data is None else vectors(data)
    with pytest.raises(RecipeError, match=words):
        inference.fit(vae_of(**model), jets, out=tmp_path / "run", **FAST)
    assert not (tmp_path / "run").exists()
