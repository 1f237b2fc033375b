"""Latents are doubled until some are not in use; what is found is in the provenance, what cannot grow is refused."""

import numpy as np
import pytest

from analysis.measures.information import ACTIVE
from inference import latent_number
from inference.latent_number import IN_USE, Tried, find, grown, in_use
from inference.recipe import read
from inference.run import Run
from jets import toys
from jetvae.__main__ import main
from priors import parse

SMALL = {"training.batch_size": 100, "training.epochs": 80}
TEN = np.linspace(3, 1.2, 10)
GAUSSIAN = {
    "data.files": [f"toy:gaussian(spectrum={','.join(f'{size:.1f}' for size in TEN)}, n=3000)"],
    "model.latent": "R2",
    "model.beta": [0.3, 6.0],
}
CIRCLE = {
    "data.files": ["toy:circle(n=2000)"],
    "model.latent": "R1",
    "model.encoder": [32],
    "model.decoder": [32],
    "model.beta": [0.05, 2.0],
}


@pytest.mark.slow
def test_a_gaussian_of_ten_directions_takes_ten():
    said = []
    found = find(read("vae-gaussian", SMALL | GAUSSIAN), said.append)
    assert [(each.latent, each.in_use) for each in found.tried] == [("R2", 2), ("R4", 4), ("R8", 8), ("R16", 10)]
    assert (found.latent, found.enough) == ("R11", True)
    assert said == [*map(str, found.tried), "latent space: R11"]
    least = toys.gaussian_optimum(TEN, np.array([0.3])).kl[0]
    assert sum(found.tried[-1].kl) == pytest.approx(least, rel=0.1)


@pytest.mark.slow
def test_a_circle_takes_two():
    found = find(read("vae-toy", SMALL | CIRCLE | {"training.epochs": 160}), lambda text: None)
    assert found.tried[-1].in_use == 2
    assert found.latent == "R3"


def test_the_end_is_said(monkeypatch):
    """No further than the most, and never fewer than the recipe's own."""
    monkeypatch.setattr(latent_number, "brief", lambda recipe, folder: recipe.model.latent)
    monkeypatch.setattr(latent_number, "in_use", lambda text: Tried(text, (1.0,) * int(text[1:].split()[0])))
    said = []
    found = find(read("vae-toy", {"model.latent": "R24 x S1"}), said.append)
    assert [each.latent for each in found.tried] == ["R24 x S1", "R48 x S1", "R64 x S1"]
    assert (found.latent, found.enough) == ("R64 x S1", False)
    assert "D2 is a lower bound" in said[-1]
    monkeypatch.setattr(latent_number, "in_use", lambda text: Tried(text, (1.0, 0.05, 0.0)))
    assert find(read("vae-toy"), said.append).latent == "R3"


def test_in_use_is_the_same_as_for_the_bound_of_a_dimension():
    assert IN_USE == ACTIVE
    assert Tried("R3", (2.0, ACTIVE, 0.0999)).in_use == 2


def test_the_first_real_factor_grows():
    assert grown(parse("S1 x R2 x R2"), 4) == "S1 x R4 x R2"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["vae-toy", "--beta", "0.1"], "--latents auto needs a range of beta: --beta LOW:HIGH"),
        (["vae-toy", "--latent", "S1"], "latent = 'S1': --latents auto needs a real factor"),
        (["vae-toy", "--latent", "R1 | R2"], "--latents auto needs a real factor"),
        (["vae-toy", "--latent", "R1", "--latent", "R2"], "--latents auto takes one --latent"),
        (["vae-toy", "--beta", "0.1:1", "0.2:1"], "--latents auto takes one --beta"),
        (["vae-toy", "--set", "model.kind=ae"], "--latents auto needs [model] kind = 'vae'"),
        (["vae-toy", "--out", "taken"], "taken: already exists"),
        (["--resume", "--out", "taken"], "--resume cannot change --latents"),
    ],
)
def test_what_cannot_grow_is_refused(words, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    assert main(["train", *words, "--latents", "auto"]) == 2
    assert problem in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_command_trains_with_what_was_found_and_keeps_how(seeds, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(latent_number, "MOST", 4)
    words = [f"--set={key}={value}" for key, value in (CIRCLE | SMALL | {"training.epochs": 2}).items()]
    out = tmp_path / "run"
    given = ["--latents", "auto", "--latent", "R2 x S1", "--seeds", str(seeds), "--out", str(out)]
    assert main(["train", "vae-toy", *words, *given]) == 0
    said = capsys.readouterr().out
    runs = [Run(path.parent) for path in sorted(out.rglob("config.toml"))]
    assert len(runs) == seeds
    for run in runs:
        record = run.provenance["latents"]
        assert [each["latent"] for each in record["tried"]] == ["R2 x S1", "R4 x S1"], "hardly trained, all are in use"
        assert (record["enough"], run.recipe.model.latent) == (False, "R4 x S1")
        assert f"{run.path}: {in_use(run)}" in said
        assert run.complete


def test_of_no_validation_jets_the_test_jets_are_asked(tmp_path):
    recipe = read("vae-toy", SMALL | CIRCLE | {"data.validation": 0.0, "training.epochs": 1})
    run = latent_number.brief(recipe, tmp_path / "run")
    assert len(in_use(run).kl) == 1
