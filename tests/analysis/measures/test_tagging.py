"""AUC, its error and other measures of a score against scipy and closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import mannwhitneyu, norm

from analysis import auc, roc
from analysis.measures.tagging import performance, unscored


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_the_mann_whitney_statistic(ties):
    random = np.random.default_rng(0)
    signal, background = random.normal(0.7, 1, 311), random.normal(0, 1, 207)
    if ties:
        signal, background = signal.round(0), background.round(0)
    expected = mannwhitneyu(signal, background).statistic / (len(signal) * len(background))
    assert auc(signal, background).value == pytest.approx(expected, abs=1e-12)
    assert auc(background, signal).value == pytest.approx(1 - expected, abs=1e-12)


def test_error_is_the_spread_over_samples():
    """Two unit Gaussians a distance d apart: AUC = Phi(d / sqrt 2); bootstrap error against 400 fresh samples."""
    random = np.random.default_rng(1)
    values = [auc(random.normal(1, 1, 300), random.normal(0, 1, 300), repeats=2).value for _ in range(400)]
    assert np.mean(values) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=4 * np.std(values) / 20)
    error = auc(random.normal(1, 1, 300), random.normal(0, 1, 300), repeats=400).error
    assert error == pytest.approx(np.std(values), rel=0.15)  # each is known to 4-5 %


def test_roc_ends_and_rises():
    random = np.random.default_rng(2)
    curve = roc(random.normal(1, 1, 50), random.normal(0, 1, 70))
    for axis in curve:
        assert axis[0] == 0
        assert axis[-1] == 1
        assert (np.diff(axis) >= 0).all()


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="both classes"):
        auc(np.ones(3), np.ones(0))


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


def test_jets_without_a_score_are_left_out_and_counted():
    """Three of six pairs in order and one tied among the jets that have a score: 4.5 / 6."""
    signal, background = np.array([1.0, np.nan, 3.0]), np.array([0.0, 1.0, 2.0])
    assert auc(signal, background).value == pytest.approx(0.75)
    assert performance(signal, background)["auc"] == auc(signal, background)
    np.testing.assert_array_equal(roc(signal, background).signal, roc(signal[[0, 2]], background).signal)
    assert np.isnan(auc(np.full(3, np.nan), background)).all()
    assert np.isnan(list(performance(np.full(3, np.nan), background).values())).all()
    values = xr.DataArray([[*signal, *background], np.arange(6.0)], {"score": ["a", "b"]}, ("score", "jet"))
    assert unscored(values) == {"a": 1}


def test_infinite_scores_have_their_place_and_tie():
    signal, background = np.array([np.inf, np.inf, 0.0]), np.array([np.inf, 0.0, -np.inf])
    assert auc(signal, background).value == pytest.approx((2 * 0.5 + 4 + 0.5 + 1) / 9)
    assert auc(signal, signal).value == pytest.approx(0.5)


@pytest.mark.parametrize("jets", [2, 5, 20, 60])
@pytest.mark.parametrize("area", [0.5, 0.8, 0.97])
def test_intervals_of_few_jets_hold_the_truth(jets, area):
    """Gaussians a distance sqrt 2 Phi^-1(A) apart: 2 errors hold A in at least 90 % of 200 samples (-3 sd: 86 %)."""
    random = np.random.default_rng(0)
    apart = np.sqrt(2) * norm.ppf(area)
    found = [auc(random.normal(apart, 1, jets), random.normal(0, 1, jets), repeats=50) for _ in range(200)]
    assert np.mean([abs(one.value - area) < 2 * one.error for one in found]) > 0.86
    assert min(one.error for one in found) > 0


def test_numbers_of_two_jets_have_errors():
    """Two against two in perfect order: the resampled spread is 0, the error Hanley and McNeil's."""
    found = performance(np.array([2.0, 3.0]), np.array([0.0, 1.0]))
    assert found["auc"] == pytest.approx((1.0, 0.2865), abs=1e-3)
    assert found["rejection_50"] == pytest.approx((2.0, 2.0))  # no background jet passes: 2 is a bound
    assert np.isnan(found["improvement"].value)  # no ten background jets


def test_many_jets_keep_the_bootstrap():
    random = np.random.default_rng(1)
    signal, background = random.normal(2, 1, 150), random.normal(0, 1, 150)
    draws = [(random.choice(signal, 150), random.choice(background, 150)) for _ in range(300)]
    spread = np.std([mannwhitneyu(*pair).statistic / 150**2 for pair in draws])
    assert auc(signal, background).error == pytest.approx(spread, rel=0.2)
