"""The softmax-normal against the Dirichlet: quadrature on the line, draws on the triangle."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln
from scipy.stats import beta, norm

from analysis.figures.simplex_priors import simplex_priors
from analysis.measures.simplex_priors import compare
from priors import SoftmaxNormal

DRAWS = 10**6


def normal_of(alpha):
    """Location and scale of the project's own prior ``L``."""
    normal = SoftmaxNormal(len(alpha), alpha).prior().base_dist
    return normal.loc.double().numpy(), normal.scale.double().numpy()


def on_the_line(alpha):
    """Mean of the first weight under ``L``, KL either way, total variation and share above 0.9, by quadrature."""
    (one, two), (s, t) = normal_of(alpha)
    line, dirichlet = norm(one - two, np.hypot(s, t)), beta(*alpha)

    def over(f):  # in the logit
        return sum(quad(f, *ends, limit=200)[0] for ends in pairwise((-200, -8, 0, 8, 200)))

    def log_d(x):  # per logit
        return -betaln(*alpha) - alpha[0] * np.logaddexp(0, -x) - alpha[1] * np.logaddexp(0, x)

    return {
        "mean": over(lambda x: line.pdf(x) / (1 + np.exp(-x))),
        "kl": [
            over(lambda x: np.exp(log_d(x)) * (log_d(x) - line.logpdf(x))),
            over(lambda x: line.pdf(x) * (line.logpdf(x) - log_d(x))),
        ],
        "total_variation": over(lambda x: abs(np.exp(log_d(x)) - line.pdf(x))) / 2,
        "pure": [1 - dirichlet.cdf(0.9) + dirichlet.cdf(0.1), 1 - line.cdf(np.log(9)) + line.cdf(-np.log(9))],
    }


@pytest.mark.parametrize("alpha", [(0.9, 0.9), (1.0, 0.25), (3.0, 2.0)], ids=str)
def test_two_weights_against_quadrature(alpha):
    found, exact = compare(alpha, *normal_of(alpha)), on_the_line(alpha)
    assert float(found["mean"].sel(prior="softmax-normal").isel(weight=0)) == pytest.approx(exact["mean"], abs=1e-4)
    np.testing.assert_allclose(found["mean"].sel(prior="Dirichlet"), np.array(alpha) / sum(alpha))
    np.testing.assert_allclose(found["kl"], exact["kl"], atol=3e-4)
    assert float(found["total_variation"]) == pytest.approx(exact["total_variation"], abs=3e-4)
    np.testing.assert_allclose(found["pure"], exact["pure"], atol=3e-3)


def test_density_of_a_weight():
    loc, scale = normal_of((1.0, 0.25))
    found = compare((1.0, 0.25), loc, scale)["density"]
    w = found["share"].values
    exact = norm.pdf(np.log(w / (1 - w)), loc[0] - loc[1], np.hypot(*scale)) / (w * (1 - w))
    np.testing.assert_allclose(found.sel(prior="softmax-normal").isel(weight=0), exact, rtol=0.01, atol=1e-3)
    np.testing.assert_allclose(found.sel(prior="Dirichlet").isel(weight=0), 0.25 * (1 - w) ** -0.75)


@pytest.mark.parametrize("alpha", [(1.0, 1.0, 1.0), (1.0, 0.25, 0.1)], ids=str)
def test_three_weights_against_draws(alpha):
    """A million draws: five standard errors are 0.0025 of a probability; the KL's are its own."""
    random, (loc, scale) = np.random.default_rng(1), normal_of(alpha)
    found = compare(alpha, loc, scale)
    z = loc + scale * random.normal(size=(DRAWS, 3))
    drawn = [random.dirichlet(alpha, DRAWS), np.exp(z) / np.exp(z).sum(1, keepdims=True)]
    np.testing.assert_allclose(found["mean"], [w.mean(0) for w in drawn], atol=0.0025)
    np.testing.assert_allclose(found["pure"], [(w.max(1) > 0.9).mean() for w in drawn], atol=0.0025)
    edges = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    for k in range(3):
        shares = [np.histogram(w[:, k], edges)[0] / DRAWS for w in drawn]
        for density, share in zip(found["density"].isel(weight=k), shares, strict=True):
            at = [np.trapezoid(density.sel(share=slice(a - 0.001, b + 0.001)), dx=0.01) for a, b in pairwise(edges)]
            np.testing.assert_allclose(at, share, atol=0.004)


def test_the_numbers_of_the_page():
    """The means that the paper's prior is meant to have, and those that it has."""
    found = compare((1.0, 0.25, 0.1), *normal_of((1.0, 0.25, 0.1)))
    np.testing.assert_allclose(found["mean"], [[0.741, 0.185, 0.074], [0.569, 0.255, 0.175]], atol=5e-4)
    assert found["kl"].values == pytest.approx([11.777, 0.8645], abs=2e-3)


def test_tiny_and_huge_concentrations():
    tiny = compare((1e-3, 1e-3), *normal_of((1e-3, 1e-3)))
    assert float(tiny["pure"].sel(prior="Dirichlet")) == pytest.approx(1 - 1e-3 * np.log(9), abs=2e-3)
    huge = compare((1e4, 1e4), *normal_of((1e4, 1e4)))
    one, two = norm(0, 1), norm(0, 0.5**0.5)  # ln w_1 / w_2, of half the variance for L: it drops the covariances
    cross = np.log(2) ** 0.5
    exact = (two.cdf(cross) - two.cdf(-cross)) - (one.cdf(cross) - one.cdf(-cross))
    assert float(huge["total_variation"]) == pytest.approx(exact, abs=1e-3)
    np.testing.assert_allclose(huge["kl"], [(1 - np.log(2)) / 2, (np.log(2) - 0.5) / 2], atol=1e-3)


def test_a_panel_for_each():
    found = [compare(alpha, *normal_of(alpha)) for alpha in [(1.0, 1.0), (1.0, 0.25, 0.1), (2.0, 1.0)]]
    figure = simplex_priors(found)
    assert [len(axes.lines) for axes in figure.axes] == [4, 12, 8]  # two priors, curve and mean, each distinct weight
