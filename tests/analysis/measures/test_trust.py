"""Importance weights of guides whose faults are known: k-hat and gaps."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.measures.trust import importance, khat


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
