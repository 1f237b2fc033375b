"""The numbers of a run, from its tree and from the command."""

import json

import arviz_stats
import pytest

import analysis
import inference
import models
from analysis import store
from analysis.report.inputs import of_tree
from analysis.report.run_page import page_of
from jetvae.__main__ import main


@pytest.fixture(scope="module")
def cli_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    recipe = inference.read("image-dvae", {"training.epochs": 1, "data.fraction": {"qcd": 0.02, "top": 0.02}})
    return inference.train(recipe, out)


def test_netcdf_round_trip_and_arviz(tree, tmp_path):
    path = analysis.save(tree, tmp_path / "tree.nc")
    again = store.open(path)
    assert analysis.summarise(again) == analysis.summarise(tree)
    table = arviz_stats.summary(again.isel(jet=slice(0, 3)), kind="stats")
    assert len(table) == 3 * 2


def test_summary_keys(cli_run, capsys):
    assert main(["summary", str(cli_run.path), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert set(numbers["auc"]) == {"reconstruction", "kl", "elbo", "mixture_0", "mixture_1"}
    assert all(set(estimate) == {"value", "error"} for estimate in numbers["auc"].values())
    assert set(numbers["kl"]) == {"L2_0", "L2_1"}
    assert numbers["counts"]["scored"] == {"qcd": 3333, "top": 3333}
    assert numbers["counts"]["train"] == {"qcd": 120, "top": 120}
    assert isinstance(numbers["elbo"], float)
    assert numbers["jets_per_second"] > 0
    assert (cli_run.path / "analysis.nc").exists()


def test_summary_of_other_jets(cli_run, capsys):
    assert main(["summary", str(cli_run.path), "--data", "sample:w", "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["auc"] == {}
    assert numbers["counts"]["scored"] == {"w": 5000}
    assert main(["summary", str(cli_run.path), "--data", "sample:w", "--signal", "top"]) == 2
    assert "unknown class 'top'" in capsys.readouterr().err


def test_missing_run(tmp_path, capsys):
    assert main(["summary", str(tmp_path / "nowhere")]) == 2
    assert "no run there" in capsys.readouterr().err


@pytest.mark.parametrize("latent", ["R5", "R2 x L2", "D3"])
def test_other_latent_spaces(sample, tmp_path, latent):
    run = inference.fit(models.image_vae(latent), sample, epochs=1, out=tmp_path / "run")
    tree = analysis.evaluate(run, sample)
    parts = [part for section in page_of(of_tree(tree)).sections for part in section.parts]
    assert {part.name for part in parts if part.missing} <= {"dimensions", "league", "reference"}
    names = set(analysis.summarise(tree)["auc"])
    assert ("latent_R5_4" in names) == (latent == "R5")
    assert ("mixture_1" in names) == (latent != "R5")
