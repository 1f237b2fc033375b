"""AUC, its error and other measures of a score against scipy and closed forms."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from analysis import auc, roc
from analysis.measures.tagging import performance


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
