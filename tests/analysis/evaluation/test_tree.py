"""The labelled tree: its jets, scores and densities by hand, its groups in a file, ArviZ on it."""

import os

import matplotlib as mpl
import numpy as np
import pyro
import pytest
import torch
import xarray as xr
from scipy import stats

import analysis
import inference
import models
from analysis import store
from analysis.evaluation import tree as tree_module
from analysis.evaluation.facts import nuts_groups
from analysis.measures.nuts_form import OURS
from inference.folder import WEIGHTS, RunFolder
from jets.errors import UserError
from jets.files import replacing, save_netcdf
from jets.preprocess import pixelise, prepare

GROUPS = {
    *("posterior", "prior", "posterior_predictive", "observed_data", "constant_data", "log_likelihood"),
    *("sample_stats", "guide_params", "information", "pairs", "scores", "images", "history", "slides"),
}


@pytest.fixture(scope="module")
def run(sample, tmp_path_factory):
    torch.manual_seed(1)
    return inference.fit(models.image_vae("R2 x S1"), sample, epochs=1, out=tmp_path_factory.mktemp("tree") / "run")


@pytest.fixture(scope="module")
def drawn(run, sample):
    """Many draws of few jets."""
    return analysis.evaluate(run, sample, draws=200, at_most=60)


@pytest.fixture(scope="module")
def path(drawn, tmp_path_factory):
    return analysis.save(drawn, tmp_path_factory.mktemp("tree") / "analysis.nc")


def test_tree_speaks_of_held_out_jets(tree, trained, sample):
    test = trained.split.test
    np.testing.assert_array_equal(tree["posterior"]["jet"], test)
    assert list(tree["constant_data"]["class_name"].values) == [sample.classes[i] for i in sample.label[test]]
    assert tree["posterior"]["z"].dims == ("chain", "draw", "jet", "coordinate")
    np.testing.assert_allclose(tree["posterior"]["z"].sum("coordinate"), 1, atol=1e-5)
    stats = tree["sample_stats"]
    np.testing.assert_allclose(stats["elbo"], -stats["reconstruction"] - stats["kl"], rtol=1e-5)
    assert analysis.evaluate(trained, sample[:50]).attrs["scored"] == "jets given by the user"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"draws": 0}, "draws = 0: expected a whole number of at least 1"),
        ({"draws": 1.5}, "draws = 1.5"),
        ({"seed": -1}, "seed = -1: expected a whole number of at least 0"),
        ({"pairs": -1}, "pairs = -1"),
        ({"at_most": 0}, "at_most = 0"),
        ({"data": "absent.h5"}, "^absent.h5: no such file"),
        ({"data": ["toy:circle(n=5)"]}, "its model is of jets with constituents; toy:circle.* are vectors of 2"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(run, options, words):
    with pytest.raises(UserError, match=words):
        analysis.evaluate(run, **options)


def test_a_kept_tree_is_of_its_recipe_and_weights(run, sample, monkeypatch):
    """Whatever the times say: other weights under it, and it is made anew; NUTS draws likewise."""
    kept = inference.Run.open(run.path, sample)
    monkeypatch.setattr(tree_module, "evaluate", lambda run, *_, **__: "anew")
    monkeypatch.setattr(store, "save", lambda *_: None)
    small = xr.DataTree.from_dict(
        {name: xr.Dataset({"z": ("jet", [1.0])}) for name in ("scores", "constant_data", *OURS)}
    )
    small.attrs = {"digest": kept.digest, "beta": np.float32(0.1), "classes": ["qcd"]}
    for name in ("analysis.nc", "nuts.nc"):
        save_netcdf(small, run.path / name)
        os.utime(run.path / name, (1, 1))
    assert tree_module.evaluated(kept, None).attrs["digest"] == kept.digest
    assert set(nuts_groups(kept, 0.1)) == set(OURS)
    weights = run.path / WEIGHTS
    before = weights.read_bytes()
    other = {name: value + 1 for name, value in kept.vae.state_dict().items()}
    RunFolder(run.path).save(WEIGHTS, other)
    os.utime(weights, (0, 0))
    assert tree_module.evaluated(inference.Run.open(run.path, sample), None) == "anew"
    assert nuts_groups(inference.Run.open(run.path, sample), 0.1) == {}
    with replacing(weights) as temporary:
        temporary.write_bytes(before)
    for name in ("analysis.nc", "nuts.nc"):
        (run.path / name).unlink()


def test_tree_scores_by_hand(tree, trained, sample):
    """Mixture weights are the softmax of the encoder's mean; KL is that of two Normals."""
    x = pixelise(prepare(torch.as_tensor(sample.constituents[trained.split.test]))).flatten(1)
    with torch.no_grad():
        mu, log_variance = trained.vae.encoder(x).chunk(2, -1)
    weight = tree["scores"]["score_value"].sel(score="mixture_1")
    np.testing.assert_allclose(weight, mu.softmax(-1)[:, 1], atol=1e-5)
    prior = 1 / 1.8
    kl = 0.5 * (log_variance.exp() / prior + mu**2 / prior - 1 + np.log(prior) - log_variance)
    np.testing.assert_allclose(tree["information"]["kl"], kl, atol=1e-4)


def heads(run, sample, tree):
    """The guide's parameters, by hand: location and scale of R2, direction and concentration of S1."""
    jets = np.asarray(tree["posterior"]["jet"])
    x = pixelise(prepare(torch.as_tensor(sample.constituents[jets]))).flatten(1)
    with torch.no_grad():
        head = run.vae.encoder(x).numpy().astype(float)
    rho2 = 100 * (head[:, 4] ** 2 + head[:, 5] ** 2)
    kappa = np.sqrt(rho2 / (1 + rho2)) * (2 + rho2)
    return head[:, :2], np.exp(head[:, 2:4] / 2), np.arctan2(head[:, 5], head[:, 4]), kappa


def test_densities_are_scipys(run, sample, drawn):
    """Normal and von Mises of scipy at the tree's own draws; float32 of the tree against float64."""
    loc, scale, direction, kappa = heads(run, sample, drawn)
    z = drawn["posterior"]["z"].values[0].astype(float)
    log_q = stats.norm.logpdf(z[..., :2], loc, scale).sum(-1) + stats.vonmises.logpdf(z[..., 2], kappa, direction)
    log_prior = stats.norm.logpdf(z[..., :2]).sum(-1) - np.log(2 * np.pi)
    sample_stats = drawn["sample_stats"]
    np.testing.assert_allclose(sample_stats["log_q"][0], log_q, atol=2e-3)
    np.testing.assert_allclose(sample_stats["log_prior"][0], log_prior, atol=1e-4)
    total = drawn["log_likelihood"]["x"][0] + log_prior - log_q
    np.testing.assert_allclose(sample_stats["log_weight"][0], total, atol=2e-3)


def test_pairs_are_scipys(run, sample, drawn):
    """ln q(z_i | x_j) of all pairs; z_i is found again from the diagonal, up to its sign about the centre."""
    loc, scale, _, _ = heads(run, sample, drawn)
    pairs = drawn["pairs"]
    assert list(pairs["kl_term"].values) == ["R2_0", "R2_1", "S1_0"]
    own = np.einsum("iik->ik", pairs["log_q"].values)[:, 0]
    size = np.sqrt(np.maximum(0, -2 * (own + np.log(scale[:, 0] * np.sqrt(2 * np.pi)))))
    candidates = [loc[:, 0] + sign * size * scale[:, 0] for sign in (1, -1)]
    expected = [stats.norm.logpdf(z[:, None], loc[None, :, 0], scale[None, :, 0]) for z in candidates]
    error = np.minimum(*(np.abs(e - pairs["log_q"].values[..., 0]).max(1) for e in expected))
    np.testing.assert_allclose(error, 0, atol=0.05)  # the square root near the centre costs digits
    log_prior = pairs["log_prior"].sel(kl_term="S1_0")
    np.testing.assert_allclose(log_prior, -np.log(2 * np.pi), rtol=1e-6)


def test_evaluation_leaves_the_parameter_store_alone(run, sample):
    """What a user's own inference keeps there stays, and nothing is added."""
    pyro.clear_param_store()
    pyro.param("mine", torch.tensor(1.0))
    analysis.evaluate(run, sample, at_most=10, draws=2)
    assert list(pyro.get_param_store()) == ["mine"]
    pyro.clear_param_store()


def test_a_category_is_drawn_not_averaged(sample, tmp_path):
    """The mean log weight of draws is the ELBO, in which the category is summed over: within 5 standard errors."""
    run = inference.fit(models.image_vae("C2 x R1"), sample, epochs=1, out=tmp_path / "run")
    tree = analysis.evaluate(run, sample, draws=300, at_most=20)
    category = tree["posterior"]["z"].sel(coordinate=["C2_0", "C2_1"])
    assert set(np.unique(category)) == {0.0, 1.0}
    mean, elbo = tree["sample_stats"]["log_weight"].mean(("chain", "draw")), tree["sample_stats"]["elbo"]
    error = tree["sample_stats"]["log_weight"].std(("chain", "draw")) / np.sqrt(300)
    assert float((abs(mean - elbo) / (error + 1e-6)).max()) < 5


def test_groups_come_back_from_the_file(drawn, path):
    again = store.open(path)
    assert set(again) == GROUPS
    assert again.attrs["beta"] == pytest.approx(0.1)
    assert list(again["posterior"]["unit"].values) == ["", "", "rad"]
    assert again["posterior"].to_dataset()["z"].variable._in_memory, "the file may be replaced while it is looked at"
    for name in GROUPS:
        xr.testing.assert_equal(again[name].to_dataset(), drawn[name].to_dataset())
    assert again["posterior_predictive"]["x"].dims == ("chain", "draw", "jet", "x_dim_0")


@pytest.mark.filterwarnings("ignore::Warning")  # of ArviZ itself: its refactoring
@pytest.mark.parametrize("name", ["summary", "plot_trace", "plot_rank", "plot_forest", "plot_pair"])
def test_arviz_reads_the_file(path, name):
    import arviz  # warns of its refactoring once a day

    mpl.use("Agg")
    data = arviz.from_netcdf(path)
    jets = data.posterior["jet"].values[:2]
    result = getattr(arviz, name)(data, coords={"jet": jets}, var_names=["z"])
    if name == "summary":
        assert len(result) == 2 * 3
    mpl.pyplot.close("all")
