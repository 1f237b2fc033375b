"""What the data decide of a model: the size of vectors, and their middle where it is far from zero."""

import numpy as np
import pytest
import torch

import inference
import jets
from inference.completed import completed, size_of
from inference.recipe import RecipeError, read
from inference.training import trainer_for
from jets.command import command
from jetvae.__main__ import main

POINTS = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)


def vectors(points):
    points = np.asarray(points, np.float32)
    return jets.Jets(points, np.zeros(len(points), np.int64), ("points",), sources=("points.npy",))


def run_on(points, folder, **changes):
    """Train few epochs on points in a file; return the run."""
    np.save(f"{folder}.npy", points)
    options = {"data.files": [f"{folder}.npy"], "training.epochs": 20, "model.beta": 0.1, **changes}
    return inference.train(read("vae-toy", options), folder)


@pytest.mark.parametrize("offset", [30.0, 100.0, (1000.0, -20.0, 0.0)])
def test_the_loss_is_that_of_centred_points(offset, tmp_path):
    """To a thousandth; without the centring it is four thousand times larger at an offset of 100."""
    middle = POINTS.mean(0)
    expected = run_on(POINTS - middle, tmp_path / "centred").history[-1]
    found = run_on(POINTS + np.float32(offset), tmp_path / "moved")
    assert found.history[-1]["loss"] == pytest.approx(expected["loss"], rel=1e-2)
    np.testing.assert_allclose(found.recipe.model.shift, middle + offset, atol=1e-3)
    vae = found.vae
    with torch.no_grad():
        decoded = vae.generate(torch.zeros(1, vae.latent.features_size))
    assert np.abs(decoded.numpy() - middle - offset).max() < 4
    assert not any("offset" in name for name in vae.state_dict())


def test_points_about_zero_are_as_before():
    """No shift, and the size of all entries: run folders of before build the same networks."""
    assert size_of(POINTS) == {"inputs": 3, "scale": float(f"{POINTS.std():.4g}"), "shift": None}
    for toy in ("toy:curve", "toy:circle", "toy:gaussian(spectrum=8,4,2,1)"):
        assert size_of(jets.load(toy).constituents)["shift"] is None


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.ones((200, 3)), "all points are alike"),
        (POINTS * 0.05 + 1e5, "lost in single precision beside 1e\\+05"),
        (POINTS * 1e-20, "multiply them"),
    ],
)
def test_points_that_cannot_be_trained_on(points, words):
    with pytest.raises(RecipeError, match=rf"points\.npy: .*{words}"):
        completed(read("vae-toy"), vectors(points))


def test_spreads_that_single_precision_does_not_hold():
    with pytest.raises(ValueError, match="multiply them"):
        size_of(POINTS * 1e20)


def test_a_constant_column_is_no_hindrance(tmp_path):
    points = np.column_stack([POINTS[:, :2], np.full(300, 5.0)])
    run = run_on(points, tmp_path / "run")
    assert run.recipe.model.shift[2] == 5
    assert np.isfinite(run.history[-1]["loss"])


def test_vectors_need_dense_networks():
    for key, value in {"model.likelihood": "emd", "model.architecture": "convolutional"}.items():
        with pytest.raises(RecipeError, match=key.rpartition(".")[2]):
            completed(read("vae-toy", {key: value}), vectors(POINTS))


def test_a_run_resumes_with_the_middle_it_began_with(tmp_path):
    """Also with the recipe as it was before the data completed it; also by the command."""
    run = run_on(POINTS + 100, tmp_path / "run")
    recipe = read("vae-toy", {"data.files": [f"{run.path}.npy"], "training.epochs": 21, "model.beta": 0.1})
    (resumed,) = trainer_for([recipe], [run.path], resume=True).replicas
    assert resumed.recipe.model == run.recipe.model
    assert main(command("resume", run.path, "--epochs", 22).split()[1:]) == 0
    assert len(inference.Run.open(run.path).history) == 22
