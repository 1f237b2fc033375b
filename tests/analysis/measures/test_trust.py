"""Diagnostics of a posterior: k-hat, gaps, calibration and comparison, on guides whose faults are known."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.measures.calibration import calibration, ranks
from analysis.measures.against_nuts import against_nuts, distances
from analysis.measures.trust import importance, khat

SIMULATIONS, DRAWS = 300, 99


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


def conjugate(random, shift, scale):
    """z ~ N(0, 1), x ~ N(z, 1): truth and draws of a guide N(x/2 + shift sd, scale sd), sd = 1/sqrt 2."""
    truth = random.normal(size=SIMULATIONS)
    x = truth + random.normal(size=SIMULATIONS)
    sd = np.sqrt(0.5)
    return truth, x / 2 + sd * (shift + scale * random.normal(size=(DRAWS, SIMULATIONS)))


def one_mode(random):
    """z ~ N(0, 1), x ~ N(z^2, 0.2): the posterior has two modes, the guide the positive one alone, exactly."""
    truth = random.normal(size=SIMULATIONS)
    x = truth**2 + 0.2 * random.normal(size=SIMULATIONS)
    grid = np.linspace(0, 5, 2000)
    density = stats.norm.pdf(grid) * stats.norm.pdf(x[:, None], grid**2, 0.2)
    cumulative = density.cumsum(1) / density.sum(1, keepdims=True)
    draws = [grid[np.searchsorted(row, random.uniform(size=DRAWS)).clip(max=1999)] for row in cumulative]
    return truth, np.stack(draws, 1)


FAULTS = {
    "variance halved": lambda random: conjugate(random, 0.0, np.sqrt(0.5)),
    "mean shifted by half a deviation": lambda random: conjugate(random, 0.5, 1.0),
    "missing mode": one_mode,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(5))
def test_calibration_flags_planted_faults(fault, seed):
    truth, draws = FAULTS[fault](np.random.default_rng(seed))
    assert calibration(ranks(truth, draws), DRAWS).p_value < 0.01


def test_calibration_passes_the_exact_guide_at_its_nominal_rate():
    """200 repeats at 5 %: 10 rejections, 3.1 standard deviation; within three. The band says the same."""
    rejected, outside = 0, 0
    for seed in range(200):
        truth, draws = conjugate(np.random.default_rng(seed), 0.0, 1.0)
        result = calibration(ranks(truth, draws), DRAWS)
        rejected += result.p_value < 0.05
        outside += bool((np.abs(result.deviation) > result.band).any())
    assert 1 <= rejected <= 19
    assert 1 <= outside <= 19


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


def test_distances_of_normals():
    """W1 of N(0, 1) and N(a, 1) is a; of N(0, 1) and N(0, s) it is (s - 1) sqrt(2/pi)."""
    z = stats.norm.ppf((np.arange(20000) + 0.5) / 20000)
    assert distances(z, z + 0.3) == pytest.approx((0.3, 0.3, 1.0), abs=1e-4)
    assert distances(z, 2 * z)[1] == pytest.approx(np.sqrt(2 / np.pi), abs=1e-3)
    assert distances(0.1 * z + 3.1, 0.1 * z + 3.1 - 2 * np.pi, angle=True) == pytest.approx((0, 0, 1), abs=1e-6)


def test_comparison_of_known_samples():
    random = np.random.default_rng(0)
    names = {"coordinate": ["R1_0", "S1_0"], "kind": ("coordinate", ["real", "angle"]), "jet": [3, 5]}
    dims = ("chain", "draw", "jet", "coordinate")
    nuts = 0.2 * random.normal(size=(4, 500, 2, 2)) + [0.0, np.pi]
    guide = 0.2 * random.normal(size=(1, 2000, 2, 2)) + [0.1, np.pi]
    groups = {"posterior_nuts": np.angle(np.exp(1j * nuts)), "posterior_guide": np.angle(np.exp(1j * guide))}
    tree = xr.DataTree.from_dict({name: xr.Dataset({"z": (dims, z)}, names) for name, z in groups.items()})
    result = against_nuts(tree)
    np.testing.assert_allclose(result["shift"].sel(coordinate="R1_0"), 0.5, atol=0.15)
    np.testing.assert_allclose(result["shift"].sel(coordinate="S1_0"), 0.0, atol=0.15)
    np.testing.assert_allclose(result["sd_ratio"], 1, atol=0.1)
    assert float(result["rhat"].max()) < 1.02
    assert float(result["ess"].min()) > 1000
