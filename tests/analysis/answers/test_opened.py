"""What a trained run says of jets, against closed forms, quadrature and the model itself."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr

import inference
import jets
import jetvae
import models
from analysis.answers.opened import OpenRun
from jets.errors import UserError


@pytest.fixture(scope="module")
def run(trained, sample):
    return jetvae.open(trained.path, sample)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A run on vectors whose latent is one real number, and one whose latents lie on one of two manifolds."""
    source = "toy:gaussian(spectrum=2,1, n=600)"
    points, runs = jets.load(source), []
    for name, latent in (("line", "R1"), ("two", "R1 | S1")):
        changes = {"model.latent": latent, "model.beta": 0.7, "training.epochs": 25, "data.files": [source]}
        recipe = inference.read("vae-toy", changes)
        runs.append(jetvae.open(inference.train(recipe, tmp_path_factory.mktemp("toy") / name).path))
    return points, *runs


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    changes = {"training.epochs": 1, "data.limit": 60, "model.encoder": [8, 8], "model.decoder": [8], "model.beta": 0.1}
    return jetvae.open(inference.train(inference.read("jet-w", changes), tmp_path_factory.mktemp("jet") / "run").path)


def test_open_gives_an_object_that_answers(run):
    assert isinstance(run, OpenRun)
    assert isinstance(run, inference.Run)


def test_kl_and_bound_are_those_of_the_posterior_that_is_told(toy):
    points, line, _ = toy
    found = line.encode(points[:50], draws=400)
    q = found["q"].to_pandas()
    kl = (q["R1_loc_0"] ** 2 + q["R1_scale_0"] ** 2 - 1) / 2 - np.log(q["R1_scale_0"])
    np.testing.assert_allclose(found["kl"].sel(kl_term="R1_0"), kl, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["elbo"], -found["reconstruction"] - kl, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found["centre"][:, 0], q["R1_loc_0"])
    z = found["z"][..., 0]  # draws have the posterior's mean and width
    assert (abs(z.mean("draw") - q["R1_loc_0"].values) < 6 * q["R1_scale_0"].values / 20).all()
    np.testing.assert_allclose(z.std("draw"), q["R1_scale_0"], rtol=0.25)


def test_log_prob_is_the_integral_over_the_latent(toy):
    points, line, _ = toy
    z = torch.linspace(-8, 8, 4001)[:, None, None]
    x = torch.as_tensor(points.constituents[:40])
    with torch.no_grad():
        joint = line.vae.decode(z).log_prob(x) - z[..., 0] ** 2 / 2 - math.log(2 * math.pi) / 2
    exact = (joint.logsumexp(0) + math.log(16 / 4000)).numpy()
    found = line.log_prob(points[:40], draws=2000)
    assert np.quantile(abs(found - exact), 0.85) < 0.05
    assert (found < exact + 0.1).all()  # of the few that the posterior misses it is an estimate from below
    np.testing.assert_array_equal(line.score_samples(points[:40]), line.log_prob(points[:40]))
    bound = line.encode(points[:40], draws=200)["elbo"].values
    assert (bound < exact + 0.1).all()


def test_the_same_jets_and_seed_give_the_same(run, sample):
    some = sample[::60]
    xr.testing.assert_equal(run.encode(some, seed=3), run.encode(some, seed=3))
    assert not run.encode(some, seed=3).equals(run.encode(some, seed=4))
    still = run.encode(some, draws=0)
    order = np.random.default_rng(0).permutation(len(some))
    turned = run.encode(some[order], draws=0)
    for name in ("centre", "kl", "elbo", "score"):
        np.testing.assert_allclose(turned[name], still[name].values[order], rtol=2e-4, atol=1e-4)


def test_the_centre_is_the_limit_of_no_noise(run, sample):
    some = sample[::100]
    still, drawn = run.encode(some, draws=0), run.encode(some, draws=16)
    np.testing.assert_array_equal(still["centre"], drawn["centre"])
    np.testing.assert_array_equal(run.transform(some), still["centre"])
    assert "log_p" in drawn["name"]
    assert "log_p" not in still["name"]
    assert (still["reconstruction"] < drawn["reconstruction"] + 5).all()  # noise blurs the image


def test_scores_are_those_of_the_report(run, sample, trained):
    """The same draws of the same jets, oriented by the same training jets."""
    from analysis.evaluation.jet_scores import scores

    test = sample[trained.split.test]
    found, expected = run.scores(test), scores(trained, own=sample)["score_value"]
    assert set(found) == set(expected["score"].values)
    for name in ("mixture_0", "entropy", "typicality", "rare_mixture"):
        np.testing.assert_allclose(found[name], expected.sel(score=name), rtol=1e-4)
    np.testing.assert_allclose(found["elbo"], expected.sel(score="elbo"), rtol=0.2)


def test_what_decides_scores_is_kept(run, sample, trained, monkeypatch):
    run.orientation()
    assert (trained.path / "orientation.json").exists()
    alone = OpenRun.open(trained.path)  # without its training jets, which were in memory
    np.testing.assert_array_equal(alone.scores(sample[:9], draws=0), run.scores(sample[:9], draws=0))
    text = (trained.path / "orientation.json").read_text()
    (trained.path / "orientation.json").write_text(text.replace(run.digest, "other"))
    with pytest.raises(inference.RunError, match="changed since"):
        OpenRun.open(trained.path).scores(sample[:9])
    (trained.path / "orientation.json").write_text("{")
    assert run.orientation().sides == OpenRun.open(trained.path, sample).orientation().sides


def test_jets_that_cannot_be_described_are_nan_and_change_no_other(run, sample):
    far = sample.constituents[:20].copy()
    far[[0, 7], :, 1] += 1.4
    some = jets.Jets(far, np.zeros(20, np.int64), ("qcd",))
    prepared = run.recipe.image.steps
    if "centre" in prepared:  # a centred jet is always inside: put two prongs far apart instead
        far[[0, 7]] = 0
        far[[0, 7], 0] = [1, 1.4, 0]
        far[[0, 7], 1] = [1, -1.4, 0]
        some = jets.Jets(far, np.zeros(20, np.int64), ("qcd",))
    found = run.encode(some, draws=0)
    gone = np.isin(np.arange(20), [0, 7])
    for name in ("centre", "q", "kl", "elbo", "score"):
        assert np.isnan(found[name].values[gone]).all()
        assert np.isfinite(found[name].values[~gone]).all()
    np.testing.assert_allclose(found["elbo"][~gone], run.encode(some[~gone], draws=0)["elbo"], rtol=1e-5)
    assert np.isnan(run.log_prob(some)[gone]).all()
    assert np.isnan(run.reconstruct(some)["image"].values[gone]).all()
    assert run.table(some)["elbo"].isna().sum() == 2


def test_reconstruction_is_what_the_decoder_gives(run, clouds, sample):
    some = sample[:10]
    image = run.reconstruct(some)["image"]
    np.testing.assert_allclose(image.sum(("eta", "phi")), 1, rtol=1e-5)
    expected = run.vae.decode(torch.as_tensor(run.transform(some))).mean.detach()
    np.testing.assert_allclose(image.values.reshape(10, -1), expected, atol=1e-6)
    np.testing.assert_allclose(run.inputs(some)["image"].sum(("eta", "phi")), 1, rtol=1e-5)
    w = jets.load("sample:w")[:8]
    found, seen = clouds.reconstruct(w), clouds.inputs(w)
    momenta = w.constituents[:, : clouds.recipe.data.constituents, 0].sum(1)
    np.testing.assert_allclose(found.constituents[..., 0].sum(1), momenta, rtol=1e-3)
    np.testing.assert_allclose(seen.constituents[..., 0].sum(1), momenta, rtol=1e-3)


def test_generated_latents_follow_the_prior(toy, run):
    _, line, two = toy
    found = line.generate(2000, seed=1)
    assert scipy.stats.kstest(found.truth["R1_0"], "norm").pvalue > 1e-3
    assert found.constituents.shape == (2000, 2)
    assert len(run.generate(7)["image"]) == 7
    one = two.generate(300, component=1)
    np.testing.assert_array_equal(one.truth["M2_1"], 1)
    np.testing.assert_array_equal(two.generate(300, component={"M2": 1}).constituents, one.constituents)
    share = two.generate(3000).truth["M2_0"].mean()
    assert abs(share - 0.5) < 0.05
    noise = line.generate(4000, noise=True).constituents.var(0) - line.generate(4000).constituents.var(0)
    np.testing.assert_allclose(noise, line.recipe.model.beta.typical**2, rtol=0.5)


def test_along_a_latent_the_others_stay(toy, run):
    points, line, _ = toy
    found = line.generate(11, along="R1_0")
    z = torch.linspace(-2.5, 2.5, 11)[:, None]
    np.testing.assert_allclose(found.constituents, line.vae.decode(z).mean.detach(), atol=1e-5)
    edge = run.generate(5, along="L2_0 to _1")["image"].values
    assert len(edge) == 5
    assert abs(np.diff(edge, axis=0)).sum((1, 2)).min() > 0
    start = line.generate(3, along="R1_0", start=points[:1])
    assert len(start) == 3


def test_clouds_are_jets_of_the_momenta_wanted(clouds, tmp_path):
    found = clouds.generate(20, seed=2)
    assert found.constituents.shape == (20, clouds.recipe.model.particles, 3)
    momenta = found.constituents[..., 0].sum(1)
    own = jets.load("sample:w").constituents[..., 0].sum(1)
    assert own.min() * 0.999 < momenta.min() < momenta.max() < own.max() * 1.001
    assert (np.diff(found.constituents[..., 0]) <= 0).all()
    np.testing.assert_allclose(clouds.generate(4, pt=500).constituents[..., 0].sum(1), 500, rtol=1e-3)
    back = jets.load(jets.save(tmp_path / "g.h5", found))
    np.testing.assert_array_equal(back.constituents, found.constituents)


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (lambda run: run.generate(0), "n = 0"),
        (lambda run: run.generate(3, component=1), "no category"),
        (lambda run: run.generate(3, along="R9_0"), "no such path; there are"),
        (lambda run: run.encode("sample:w", draws=-1), "draws = -1"),
        (lambda run: run.encode("toy:torus(n=20)"), "its model is of jets with constituents"),
        (lambda run: run.scores("nowhere.h5"), "no such file"),
        (lambda run: run.encode("sample:w", beta=0.3), "leave beta out"),
        (lambda run: run.log_prob("sample:w", draws=0), "draws = 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(run, what, problem):
    with pytest.raises(UserError, match=problem) as error:
        what(run)
    assert "\n" not in str(error.value)


def test_refused_of_clouds_and_autoencoders(clouds, sample, tmp_path):
    with pytest.raises(UserError, match="unnormalised"):
        clouds.generate(2, noise=True)
    with pytest.raises(UserError, match="one number or 3"):
        clouds.generate(3, pt=[1, 2])
    recipe = inference.read("image-ae", {"training.epochs": 1, "data.limit": 50})
    run = jetvae.open(inference.train(recipe, tmp_path / "ae").path)
    assert np.isfinite(run.scores(sample[:5])).all(axis=None)
    for what in (lambda: run.log_prob(sample[:2]), lambda: run.generate(2)):
        with pytest.raises(UserError, match="plain autoencoder"):
            what()


@pytest.mark.parametrize("latent", ["D3", "S1", "S2(posterior=vmf)", "C3", "G1:2", "R1 x (R1 | S1)", "H2", "V1:3"])
def test_every_kind_of_latent_answers(latent, sample, tmp_path):
    torch.manual_seed(0)
    vae = models.image_vae(latent, beta=0.1)
    run = jetvae.open(inference.fit(vae, sample[::10], epochs=1, out=tmp_path / "run").path, sample[::10])
    for draws in (0, 2):
        table = run.table(sample[:6], draws=draws)
        answers = table[[name for name in table if name.startswith(("latent_", "posterior_", "kl", "score_", "elbo"))]]
        assert np.isfinite(answers.to_numpy(float)).all(), answers.columns[~np.isfinite(answers).all()]
    assert np.isfinite(run.log_prob(sample[:6])).all()
    assert run.generate(4)["z"].shape == (4, len(run.vae.latent.coordinate_names))
    assert run.reconstruct(sample[:3])["image"].notnull().all()
