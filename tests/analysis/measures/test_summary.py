"""From run to tree, numbers and page."""

import json

import arviz_stats
import numpy as np
import pytest
import torch
import xarray as xr

import analysis
import inference
from analysis.measures import summary
from analysis.report.inputs import of_tree
from analysis.report.run_page import answered
from inference.errors import exit_code


@pytest.fixture(scope="module")
def tree(trained, sample):
    return analysis.evaluate(trained, sample)


@pytest.fixture(scope="module")
def cli_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    recipe = inference.read("image-dvae", {"training.epochs": 1, "data.fraction": {"qcd": 0.02, "top": 0.02}})
    return inference.train(recipe, out)


def test_tree_speaks_of_held_out_jets(tree, trained, sample):
    test = trained.split(sample).test
    np.testing.assert_array_equal(tree["posterior"]["jet"], test)
    assert list(tree["constant_data"]["class_name"].values) == [sample.classes[i] for i in sample.label[test]]
    assert tree["posterior"]["z"].dims == ("chain", "draw", "jet", "coordinate")
    np.testing.assert_allclose(tree["posterior"]["z"].sum("coordinate"), 1, atol=1e-5)
    stats = tree["sample_stats"]
    np.testing.assert_allclose(stats["elbo"], -stats["reconstruction"] - stats["kl"], rtol=1e-5)
    assert analysis.evaluate(trained, sample[:50]).attrs["scored"] == "jets given by the user"


def test_tree_scores_by_hand(tree, trained, sample):
    """Mixture weights are the softmax of the encoder's mean; KL is that of two Normals."""
    from jets.preprocess import pixelise, prepare

    vae = trained.vae()
    test = trained.split(sample).test
    x = pixelise(prepare(torch.as_tensor(sample.constituents[test]))).flatten(1)
    with torch.no_grad():
        mu, log_variance = vae.encoder(x).chunk(2, -1)
    weight = tree["scores"]["score_value"].sel(score="mixture_1")
    np.testing.assert_allclose(weight, mu.softmax(-1)[:, 1], atol=1e-5)
    prior = 1 / 1.8
    kl = 0.5 * (log_variance.exp() / prior + mu**2 / prior - 1 + np.log(prior) - log_variance)
    np.testing.assert_allclose(tree["information"]["kl"], kl, atol=1e-4)


def test_netcdf_round_trip_and_arviz(tree, tmp_path):
    path = analysis.save(tree, tmp_path / "tree.nc")
    again = xr.open_datatree(path, engine="h5netcdf")
    assert analysis.summarise(again) == analysis.summarise(tree)
    table = arviz_stats.summary(again.isel(jet=slice(0, 3)), kind="stats")
    assert len(table) == 3 * 2


def test_summary_keys(cli_run, capsys):
    assert exit_code(lambda: summary.main([str(cli_run.path), "--json"])) == 0
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
    assert exit_code(lambda: summary.main([str(cli_run.path), "--data", "sample:w", "--json"])) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["auc"] == {}
    assert numbers["counts"]["scored"] == {"w": 5000}
    assert exit_code(lambda: summary.main([str(cli_run.path), "--data", "sample:w", "--signal", "top"])) == 2
    assert "unknown class 'top'" in capsys.readouterr().err


def test_missing_run(tmp_path, capsys):
    assert exit_code(lambda: summary.main([str(tmp_path / "nowhere")])) == 2
    assert "no run there" in capsys.readouterr().err


@pytest.mark.parametrize("latent", ["R5", "R2 x L2", "D3"])
def test_other_latent_spaces(sample, tmp_path, latent):
    import models

    run = inference.fit(models.image_vae(latent), sample, epochs=1, out=tmp_path / "run")
    tree = analysis.evaluate(run, sample)
    parts = [part for section in answered(of_tree(tree)) for part in section.parts]
    assert {part.name for part in parts if part.missing} <= {"dimensions", "league", "reference"}
    names = set(analysis.summarise(tree)["auc"])
    assert ("latent_R5_4" in names) == (latent == "R5")
    assert ("mixture_1" in names) == (latent != "R5")
