"""Calibration of guides whose faults are known."""

import numpy as np
import pytest
from scipy import stats

from analysis.measures.calibration import calibration, ranks

SIMULATIONS, DRAWS = 300, 99


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
