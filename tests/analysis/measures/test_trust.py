"""Importance weights of guides whose faults are known: k-hat and gaps."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.measures.trust import checks, evidence, importance, khat


@pytest.mark.parametrize("k", [0.3, 0.7, 1.2])
def test_khat_is_the_tail_index(k):
    """w = U^-k has Pareto tail k; with the sign of arviz_stats taken wrongly k-hat would be negative.

    The fit's own spread at 4,000 draws is 0.1 (Zhang & Stephens 2009); 10 sets average.
    """
    log_weight = k * np.random.default_rng(0).exponential(size=(10, 4000))
    assert khat(log_weight).mean() == pytest.approx(k, abs=0.12)
    assert khat(-log_weight).max() < 0


def test_khat_of_the_exact_guide_and_of_few_draws():
    assert khat(np.zeros((2, 1000))).tolist() == [0, 0]
    assert np.isnan(khat(np.zeros((2, 99)))).all()


@pytest.mark.parametrize("weights", [[np.nan], [-np.inf] * 400, [np.inf]], ids=["a NaN", "all zero", "an infinite one"])
def test_no_weights_are_the_worst(weights):
    """They count as above 0.7, and nothing that is said of the jet is a number."""
    log_weight = np.random.default_rng(0).normal(size=(1, 400, 2))
    log_weight[0, : len(weights), 0] = weights
    stats = {"log_weight": (("chain", "draw", "jet"), log_weight), "elbo": ("jet", np.zeros(2))}
    tree = xr.DataTree.from_dict({"sample_stats": xr.Dataset(stats)})
    found = importance(tree)
    assert np.isinf(found["khat"][0])
    assert not np.isfinite(found["log_evidence_error"][0])
    assert np.isnan(found["ess"][0])
    assert found["khat"][1] < 0.7
    assert not any(check.passed for check in checks(tree))


def test_error_of_the_evidence_from_heavy_tails():
    """w = U^-k, of mean 1/(1 - k), 1,000 jets of 1,000 draws: 2 plain errors hold ln p(x) for 83 % of them.

    Widened ones hold it for more than 95 % of those whose k-hat shows the tail; k-hat scatters by 0.1, and a set
    of draws that misses the tail misses it in its error too.
    """
    k = 0.63
    log_weight = k * np.random.default_rng(3).exponential(size=(1, 1000, 1000))
    stats = {"log_weight": (("chain", "draw", "jet"), log_weight), "elbo": ("jet", np.zeros(1000))}
    found = importance(xr.DataTree.from_dict({"sample_stats": xr.Dataset(stats)}))
    off = abs(np.asarray(found["log_evidence"]) + np.log(1 - k))
    plain, error, khat = (
        evidence(log_weight[0].T)[1],
        np.asarray(found["log_evidence_error"]),
        np.asarray(found["khat"]),
    )
    assert (off < 2 * plain).mean() < 0.87
    seen = (khat > 0.5) & (khat <= 0.7)
    assert seen.mean() > 0.4
    assert (off < 2 * error)[seen].mean() > 0.95
    assert np.isinf(error[khat > 0.7]).all()
    np.testing.assert_array_equal(error[khat < 0.5], plain[khat < 0.5])


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 1.0), (0.0, np.sqrt(0.5))])
def test_gap_is_the_kl_of_the_fault(shift, scale):
    """KL(q || p) = (shift^2 + scale^2 - 1 - ln scale^2) / 2; mean over 50 jets within 4 standard errors."""
    random = np.random.default_rng(0)
    z = random.normal(size=(1, 4000, 50)) * scale + shift
    log_weight = stats.norm.logpdf(z) - stats.norm.logpdf(z, shift, scale)
    truth = (shift**2 + scale**2 - 1 - 2 * np.log(scale)) / 2
    tree = xr.DataTree.from_dict(
        {
            "sample_stats": xr.Dataset(
                {"log_weight": (("chain", "draw", "jet"), log_weight), "elbo": ("jet", np.full(50, -truth))}
            )
        }
    )
    result = importance(tree)
    error = float(result["gap"].std()) / np.sqrt(50)
    assert abs(float(result["gap"].mean()) - truth) <= 4 * error + 1e-12
    assert float(result["log_evidence"].mean()) == pytest.approx(0, abs=4 * error + 1e-12)
