"""Anomaly scores and their measures against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2, norm

import analysis.evaluation.image_scores as evidence
from analysis.measures.anomaly import orient, performance
from analysis.measures.bimodality import bimodality
from analysis.measures.typicality import Bulk, blurred_entropy, shape_entropies
from inference.data import data_for
from models import build
from models.build import ModelConfig


def test_performance_of_two_gaussians():
    """Unit normals a distance 1 apart: eps_B at eps_S is Phi(Phi^-1(eps_S) - 1); the gain follows."""
    random = np.random.default_rng(0)
    found = performance(random.normal(1, 1, 20000), random.normal(0, 1, 20000))
    for efficiency in (0.3, 0.5):
        estimate = found[f"rejection_{100 * efficiency:.0f}"]
        assert estimate.value == pytest.approx(1 / norm.cdf(norm.ppf(efficiency) - 1), abs=4 * estimate.error)
    cut = np.linspace(0, 3.2, 400)  # 10 jets of 20,000 pass 3.29
    expected = (norm.sf(cut - 1) / np.sqrt(norm.sf(cut))).max()
    assert found["improvement"].value == pytest.approx(expected, abs=4 * found["improvement"].error)


def test_orientation_looks_at_training_jets_only():
    random = np.random.default_rng(1)
    scores = {f"mixture_{k}": random.random(9) for k in range(3)} | {f"ratio_{k}": random.random(9) for k in range(3)}
    training = {f"mixture_{k}": np.full(5, share) for k, share in enumerate((0.6, 0.1, 0.3))}
    found = orient(scores, training)
    np.testing.assert_array_equal(found["rare_mixture"], scores["mixture_1"])
    np.testing.assert_array_equal(found["rare_ratio"], scores["ratio_1"])


@pytest.mark.parametrize(
    ("values", "expected", "tolerance"),
    [
        (np.repeat([0.0, 1.0], [900, 100]), 0.1, 0.1 * 2.1 / 50),  # all of the smaller peak, but for one bin's share
        (norm.ppf((np.arange(4000) + 0.5) / 4000), 0.0, 0.003),  # one peak, up to rounding in 4,000ths
        (np.r_[np.linspace(0, 1, 2000), np.linspace(2, 3, 2000)], 1 / 4, 0.01),  # half of a box fills the valley
    ],
)
def test_bimodality_in_closed_form(values, expected, tolerance):
    assert bimodality(values) == pytest.approx(expected, abs=tolerance)


def test_bulk_ignores_a_compact_minority():
    """5 % of the jets in one far point: the bulk stays; distances of the rest follow chi-squared up to one factor."""
    random = np.random.default_rng(2)
    mixing = np.array([[1.0, 0.0], [0.7, 0.5]])
    normal = random.normal(size=(20000, 2)) @ mixing.T
    clean, dirty = Bulk.of(normal), Bulk.of(np.r_[normal, np.full((1000, 2), 4.0)])
    np.testing.assert_allclose(clean.centre, 0, atol=0.05)
    np.testing.assert_allclose(dirty.centre, clean.centre, atol=0.05)
    distance = clean.distance(normal)
    ratios = np.quantile(distance, (0.25, 0.5, 0.9)) / chi2.ppf((0.25, 0.5, 0.9), 2)
    np.testing.assert_allclose(ratios / ratios[1], 1, rtol=0.05)  # 20,000 jets know a quantile to 2 %


def test_entropy_of_blurred_images():
    """A point blurred by s pixels is a Gaussian of entropy ln(2 pi e s^2); two far points have ln 2 more."""
    one, two = np.zeros((2, 40, 40))
    one[20, 20] = 1
    two[8, 20] = two[32, 20] = 0.5
    expected = math.log(2 * math.pi * math.e * 4)
    found = blurred_entropy(np.stack([one, two]), [2.0])[:, 0]
    np.testing.assert_allclose(found, [expected, expected + math.log(2)], atol=2e-3)  # the blur is cut at 4 s
    profile = shape_entropies(np.stack([one, two, two.T]))[:, 2]  # across the principal axis, which is the last one
    line = math.log(2 * math.pi * math.e) / 2
    np.testing.assert_allclose(profile, [line, line + math.log(2), line], atol=2e-3)


@pytest.mark.parametrize("latent", ["L2(alpha=0.9)", "G1:2", "R1", "C2"])
def test_model_scores_by_hand(sample, trained, latent):
    torch.manual_seed(0)
    vae = build(ModelConfig(latent=latent, encoder=(8,), decoder=()), 1600).eval()
    images = data_for(sample[:50], trained.recipe, torch.device("cpu"))
    x = images[torch.arange(50)]
    with torch.no_grad():
        found = evidence.batch_scores(vae, x)
        assert ("log_p" in found) == (latent != "C2")
        if latent == "R1":  # an untrained encoder is near enough to the prior: quadrature tells the truth
            z = torch.linspace(-8, 8, 1601)[:, None, None]
            log_p = vae.decode(z).log_prob(x) - z[..., 0] ** 2 / 2 - math.log(2 * math.pi) / 2
            truth = -(log_p.logsumexp(0) + math.log(0.01))
            many = torch.stack([evidence.batch_scores(vae, x)["log_p"] for _ in range(40)])
            error = many.std(0) / 40**0.5
            assert ((many.mean(0) - truth).abs() < 5 * error + many.var(0)).all()  # Jensen: half the variance
        if latent.startswith("L"):
            log_p = [vae.decode(corner).log_prob(x) for corner in torch.eye(2)]
            torch.testing.assert_close(found["ratio_0"], log_p[0] - log_p[1])
        if latent.startswith("G"):
            torch.testing.assert_close(found["responsibility_0"] + found["responsibility_1"], torch.ones(50))


def test_scores_of_a_run(trained, sample):
    found = evidence.scores(trained, own=sample, most=40)
    assert found.sizes == {"score": len(found["score"]), "jet": 80}
    assert np.isfinite(found["score_value"]).all()
    expected = {"reconstruction", "kl", "elbo", "log_p", "rare_mixture", "rare_ratio", "entropy", "typicality"}
    assert expected <= set(found["score"].values)
