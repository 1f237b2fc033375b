"""A probe goes on from the weights of its run, is kept beside it, and made anew when the run is another."""

import pytest
import torch

from inference.probe import FOLDER, probed, recipe_of
from inference.recipe import read
from inference.records import RunError
from inference.training import train
from jets.sums import SUMS
from jetvae.__main__ import main

CHANGES = {
    "data.files": ["toy:circle(n=300)"],
    "model.latent": "S1",
    "model.encoder": [8],
    "model.decoder": [8],
    "training.epochs": 4,
    "training.lr": 0.003,
    "training.batch_size": 50,
}


@pytest.fixture
def run(tmp_path):
    return train(read("vae-toy", CHANGES), tmp_path / "run")


def test_the_recipe_of_a_probe(run):
    """Half the epochs at a third of the rate, networks twice as wide, no other schedule."""
    recipe = recipe_of(run)
    assert (recipe.model.encoder, recipe.model.decoder) == ((16,), (16,))
    assert (recipe.training.epochs, recipe.training.lr) == (2, pytest.approx(0.001))
    assert recipe.schedule.lr.shape == "one-cycle"
    assert recipe.schedule.kl_weight.shape == "constant"
    assert recipe.data == run.recipe.data


def test_it_begins_where_the_run_ends_and_is_kept(run):
    found = probed(run)
    assert found.path == run.path / FOLDER
    assert found.complete
    assert run.digest in found.provenance["initial_weights"]
    small, large = (each.vae.state_dict()["encoder.1.weight"] for each in (run, found))
    assert large.shape[0] == 2 * small.shape[0]
    assert 0 < (large[: len(small)] - small).abs().max() < 0.2
    assert FOLDER not in (run.path / SUMS).read_text(), "the checksums of the run know of its own files alone"
    weights = (found.path / "weights.safetensors").read_bytes()
    assert torch.equal(probed(run).vae.state_dict()["encoder.1.weight"], large)
    assert (found.path / "weights.safetensors").read_bytes() == weights


def test_one_of_another_training_is_made_anew_and_what_is_no_probe_stays(run, tmp_path):
    other = train(read("vae-toy", CHANGES | {"training.seed": 1}), tmp_path / "other")
    probed(other).path.rename(run.path / FOLDER)
    assert run.digest in probed(run).provenance["initial_weights"]
    train(read("vae-toy", CHANGES | {"training.epochs": 1}), other.path / FOLDER)
    with pytest.raises(RunError, match="not a probe of the run above it"):
        probed(other)
    assert (other.path / FOLDER / "config.toml").exists()


def test_what_a_killed_process_left_of_one_is_made_anew(run):
    """A folder with nothing in it, and one that was killed before its recipe was written."""
    (run.path / FOLDER).mkdir()
    found = probed(run)
    for path in found.path.iterdir():
        if path.name != "provenance.json":
            path.unlink()
    assert probed(run).complete


def test_the_command_says_what_it_gains(run, capsys):
    assert main(["dimension", str(run.path), "--probe", "--jets", "50"]) == 0
    assert " gain" in capsys.readouterr().out
    assert (run.path / FOLDER / "weights.safetensors").exists()
    assert main(["dimension", str(run.path), "--jets", "50"]) == 0
    assert " gain" not in capsys.readouterr().out
