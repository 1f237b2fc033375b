"""A grid of trainings: its folders, its runs against the same run alone, interruption."""

import json

import numpy as np
import pytest
import torch

from inference import scan
from inference.folder import WEIGHTS, load_tensors
from inference.grid import combinations, gaussian_data, read_fractions
from inference.recipe import RecipeError
from inference.run import Run, RunError
from inference.training import train_many
from jetvae.__main__ import main

QUICK = ["--epochs", "2", "--fraction", "qcd=.02", "top=.02"]
GRID = ["--latent", "R1", "--latent", "L2", "--beta", "0.1", "0.2", "--seeds", "2"]


def run(*arguments):
    return main(["train", *map(str, arguments)])


def weights(path):
    return load_tensors(path / WEIGHTS)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    out = tmp_path_factory.mktemp("scan") / "grid"
    assert run(*QUICK, *GRID, "--out", out) == 0
    return out


def test_folders_and_manifest(grid):
    listed = json.loads((grid / "scan.json").read_text())["runs"]
    assert [row["folder"] for row in listed] == [
        f"{latent}/beta{beta}-seed{seed}" for latent in ("R1", "L2") for beta in (0.1, 0.2) for seed in (0, 1)
    ]
    for row, member in zip(listed, scan.runs(grid), strict=True):
        recipe = member.recipe
        assert member.complete
        assert (row["latent"], row["beta"], row["seed"]) == (
            recipe.model.latent,
            recipe.model.beta.plain,
            recipe.training.seed,
        )


def test_member_equals_the_same_run_alone(grid, tmp_path):
    """Losses to float32 rounding, which Adam amplifies; another seed differs by a percent, another beta by half."""
    alone = ["--latent", "L2", "--beta", "0.2", "--seed", "1", "--out", str(tmp_path / "alone")]
    assert run(*QUICK, *alone) == 0
    one, many, other = (
        [row["loss"] for row in Run(path).history]
        for path in (tmp_path / "alone", grid / "L2/beta0.2-seed1", grid / "L2/beta0.2-seed0")
    )
    np.testing.assert_allclose(many, one, rtol=1e-4)
    assert np.abs(np.divide(other, one) - 1).max() > 1e-3


def test_resume_trains_what_is_missing_and_nothing_else(grid, capsys):
    reference = weights(grid / "R1/beta0.2-seed1")
    kept = (grid / "L2/beta0.1-seed0" / WEIGHTS).stat().st_mtime_ns
    for path in (grid / "R1").glob("*/*"):
        if path.name not in ("config.toml", "provenance.json"):
            path.unlink()
    assert main(["resume", str(grid)]) == 0
    assert "R1: 4 runs" in capsys.readouterr().err
    assert (grid / "L2/beta0.1-seed0" / WEIGHTS).stat().st_mtime_ns == kept
    for name, value in weights(grid / "R1/beta0.2-seed1").items():
        assert torch.equal(value, reference[name]), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--resume", "--out", "absent"], ["absent", "scan.json is missing"]),
        (["--latent", "Q2"], ["Q2"]),
        (["--out", "tests"], ["tests: already exists"]),
    ],
)
def test_bad_input_is_one_line(arguments, words, capsys):
    assert run(*arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words), message


def test_a_failing_latent_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    def diverging(recipes, folders, **options):
        if recipes[0].model.latent == "R1":
            raise RunError(f"{folders[0]}: 11 steps had no finite loss")
        return train_many(recipes, folders, **options)

    monkeypatch.setattr(scan, "train_many", diverging)
    assert run(*QUICK, "--latent", "R1", "--latent", "R2", "--seeds", "2", "--out", tmp_path / "scan") == 2
    assert "1 trainings failed: " in capsys.readouterr().err
    assert [member.complete for member in scan.runs(tmp_path / "scan")] == [False, False, True, True]


def test_grids_that_cannot_be():
    with pytest.raises(RecipeError, match="at least 1"):
        combinations("image-dvae", {}, seeds=0)
    with pytest.raises(RecipeError, match=r"two of the combinations would be called L2-alpha=0\.9/beta0\.1-seed0"):
        combinations("image-dvae", {}, betas=[0.1, 0.1000001])


def test_grid_of_a_range_and_of_its_recipe():
    grid = combinations("vae-gaussian", gaussian_data((8.0, 0.5)), betas=[None, "0.1:2", 1], seeds=2)
    assert [*grid][::2] == ["R2/beta0.5-16-seed0", "R2/beta0.1-2-seed0", "R2/beta1-seed0"]
    assert all(recipe.data.files == ("toy:gaussian(spectrum=8,0.5)",) for recipe in grid.values())
    (one,) = combinations("image-dvae", {"data.fraction": read_fractions(["0.5"]), "training.seed": 3}).values()
    assert one.data.fraction == {"top": 0.5}
    assert one.training.seed == 3
