"""The runs of a scan as one tree."""

import numpy as np

import inference
from analysis import store
from analysis.evaluation.scan import collect
from inference.recipe import read
from jetvae.__main__ import main


def test_command_on_a_scan(tmp_path, capsys):
    out = str(tmp_path / "scan")
    grid = ["--latent", "R1", "--latent", "L2", "--seeds", "2", "--epochs", "1", "--fraction", "qcd=.02", "top=.02"]
    assert main(["train", *grid, "--out", out]) == 0
    assert main(["topology", out, "--jets", "50", "--draws", "20"]) == 0
    said = capsys.readouterr().out
    assert "<- chosen" not in said
    assert "none chosen: no run of 1 epochs can be known to have converged" in said

    assert main(["report", out]) == 0
    page = tmp_path / "scan/report.html"
    assert "measure again" not in page.read_text()
    assert main(["resume", str(tmp_path / "scan/R1/beta0.1-seed1"), "--epochs", "2"]) == 0
    assert main(["report", out]) == 0
    assert "scan.nc: R1/beta0.1-seed1 changed since; measure again: jetvae topology" in page.read_text()
    tree = store.open(tmp_path / "scan/scan.nc")
    assert dict(tree["sample_stats"].sizes) == {"topology": 2, "beta": 1, "seed": 2, "jet": 50}
    assert set(np.unique(tree["constant_data"]["class_name"])) == {"qcd", "top"}


def test_runs_of_a_range_are_looked_at_where_asked(tmp_path):
    """Untrained, each latent tells what the width of its posterior says: less where beta is larger."""
    data = {"data.files": ["toy:gaussian(spectrum=4,1, n=600)"], "model.beta": (0.5, 8.0), "model.latent": "R2"}
    run = inference.train(read("vae-gaussian", data | {"training.epochs": 1}), tmp_path / "run")
    fine, coarse = (collect([run], draws=4, at_most=50, beta=beta)["sample_stats"] for beta in (0.6, 7.0))
    assert (float(fine["beta"][0]), float(coarse["beta"][0])) == (0.6, 7.0)
    assert float(fine["kl"].mean()) > float(coarse["kl"].mean()) + 1
