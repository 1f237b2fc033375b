"""The labelled tree: its densities by hand, its groups in a file, ArviZ on it, analysis without torch."""

import subprocess
import sys
from pathlib import Path

import arviz
import matplotlib as mpl
import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats

import analysis
import inference
import models
from analysis.store import open_tree

ROOT = Path(__file__).parents[2]
GROUPS = {
    *("posterior", "prior", "posterior_predictive", "observed_data", "constant_data", "log_likelihood"),
    *("sample_stats", "guide_params", "information", "pairs", "scores", "images", "history", "slides"),
}


@pytest.fixture(scope="module")
def run(sample, tmp_path_factory):
    torch.manual_seed(1)
    return inference.fit(models.image_vae("R2 x S1"), sample, epochs=1, out=tmp_path_factory.mktemp("tree") / "run")


@pytest.fixture(scope="module")
def tree(run, sample):
    return analysis.evaluate(run, sample, draws=200, at_most=60)


@pytest.fixture(scope="module")
def path(tree, tmp_path_factory):
    return analysis.save(tree, tmp_path_factory.mktemp("tree") / "analysis.nc")


def heads(run, sample, tree):
    """The guide's parameters, by hand: location and scale of R2, direction and concentration of S1."""
    from jets.preprocess import pixelise, prepare

    jets = np.asarray(tree["posterior"]["jet"])
    x = pixelise(prepare(torch.as_tensor(sample.constituents[jets]))).flatten(1)
    with torch.no_grad():
        head = run.vae().encoder(x).numpy().astype(float)
    rho2 = 100 * (head[:, 4] ** 2 + head[:, 5] ** 2)
    kappa = np.sqrt(rho2 / (1 + rho2)) * (2 + rho2)
    return head[:, :2], np.exp(head[:, 2:4] / 2), np.arctan2(head[:, 5], head[:, 4]), kappa


def test_densities_are_scipys(run, sample, tree):
    """Normal and von Mises of scipy at the tree's own draws; float32 of the tree against float64."""
    loc, scale, direction, kappa = heads(run, sample, tree)
    z = tree["posterior"]["z"].values[0].astype(float)
    log_q = stats.norm.logpdf(z[..., :2], loc, scale).sum(-1) + stats.vonmises.logpdf(z[..., 2], kappa, direction)
    log_prior = stats.norm.logpdf(z[..., :2]).sum(-1) - np.log(2 * np.pi)
    sample_stats = tree["sample_stats"]
    np.testing.assert_allclose(sample_stats["log_q"][0], log_q, atol=2e-3)
    np.testing.assert_allclose(sample_stats["log_prior"][0], log_prior, atol=1e-4)
    total = tree["log_likelihood"]["x"][0] + log_prior - log_q
    np.testing.assert_allclose(sample_stats["log_weight"][0], total, atol=2e-3)


def test_pairs_are_scipys(run, sample, tree):
    """ln q(z_i | x_j) of all pairs; z_i is found again from the diagonal, up to its sign about the centre."""
    loc, scale, _, _ = heads(run, sample, tree)
    pairs = tree["pairs"]
    assert list(pairs["kl_term"].values) == ["R2_0", "R2_1", "S1_0"]
    own = np.einsum("iik->ik", pairs["log_q"].values)[:, 0]
    size = np.sqrt(np.maximum(0, -2 * (own + np.log(scale[:, 0] * np.sqrt(2 * np.pi)))))
    candidates = [loc[:, 0] + sign * size * scale[:, 0] for sign in (1, -1)]
    expected = [stats.norm.logpdf(z[:, None], loc[None, :, 0], scale[None, :, 0]) for z in candidates]
    error = np.minimum(*(np.abs(e - pairs["log_q"].values[..., 0]).max(1) for e in expected))
    np.testing.assert_allclose(error, 0, atol=0.05)  # the square root near the centre costs digits
    log_prior = pairs["log_prior"].sel(kl_term="S1_0")
    np.testing.assert_allclose(log_prior, -np.log(2 * np.pi), rtol=1e-6)


def test_a_category_is_drawn_not_averaged(sample, tmp_path):
    """The mean log weight of draws is the ELBO, in which the category is summed over: within 5 standard errors."""
    run = inference.fit(models.image_vae("C2 x R1"), sample, epochs=1, out=tmp_path / "run")
    tree = analysis.evaluate(run, sample, draws=300, at_most=20)
    category = tree["posterior"]["z"].sel(coordinate=["C2_0", "C2_1"])
    assert set(np.unique(category)) == {0.0, 1.0}
    mean, elbo = tree["sample_stats"]["log_weight"].mean(("chain", "draw")), tree["sample_stats"]["elbo"]
    error = tree["sample_stats"]["log_weight"].std(("chain", "draw")) / np.sqrt(300)
    assert float((abs(mean - elbo) / (error + 1e-6)).max()) < 5


def test_groups_come_back_from_the_file_lazily(tree, path):
    again = open_tree(path)
    assert set(again) == GROUPS
    assert again.attrs["beta"] == pytest.approx(0.1)
    assert list(again["posterior"]["unit"].values) == ["", "", "rad"]
    assert not again["posterior"].to_dataset()["z"].variable._in_memory
    xr.testing.assert_equal(again["information"].to_dataset().load(), tree["information"].to_dataset())
    assert again["posterior_predictive"]["x"].dims == ("chain", "draw", "jet", "x_dim_0")


@pytest.mark.filterwarnings("ignore::Warning")  # of ArviZ itself: its refactoring
@pytest.mark.parametrize("name", ["summary", "plot_trace", "plot_rank", "plot_forest", "plot_pair"])
def test_arviz_reads_the_file(path, name):
    mpl.use("Agg")
    data = arviz.from_netcdf(path)
    jets = data.posterior["jet"].values[:2]
    result = getattr(arviz, name)(data, coords={"jet": jets}, var_names=["z"])
    if name == "summary":
        assert len(result) == 2 * 3
    mpl.pyplot.close("all")


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "pyro", "models", "inference", "priors", "jets"):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
import analysis
from analysis.store import open_tree
from analysis import {modules}
tree = open_tree(sys.argv[1])
analysis.summarise(tree), information.information(tree), trust.importance(tree)
"""


def test_a_saved_tree_needs_neither_torch_nor_our_models(path):
    modules = "access, calibration, figures, information, reference, scores, summary, trust"
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(modules=modules), str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
