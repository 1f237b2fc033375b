"""Correlations and mutual information against closed forms."""

import numpy as np
import pytest

from analysis.measures.correlation import binned_information, circular, circular_linear

SIZE = 20_000
RNG = np.random.default_rng


def test_circular_correlation_of_noisy_angles():
    """b = a + Normal(0, s): the mean resultant length of the noise is exp(-s^2/2); 4 / sqrt(N) of room."""
    a = RNG(0).uniform(-np.pi, np.pi, SIZE)
    b = a + 1 + RNG(1).normal(0, 0.5, SIZE)
    assert abs(circular(a, b) - np.exp(-0.125)) < 4 / SIZE**0.5
    assert abs(circular(a, -b) + np.exp(-0.125)) < 4 / SIZE**0.5
    assert abs(circular(a, RNG(2).uniform(0, 7, SIZE))) < 8 / SIZE**0.5
    assert abs(circular(0.01 * b, a)) < 8 / SIZE**0.5, "an angle that hardly varies"


def test_circular_linear_correlation():
    """cos(angle - 1) explains itself; with noise of its own variance it explains half, which ranks change little."""
    angle = RNG(0).uniform(0, 2 * np.pi, SIZE)
    wave = np.cos(angle - 1)
    assert circular_linear(angle, wave) > 0.98  # 1 but for the ranks
    noisy = wave + RNG(1).normal(0, 0.5**0.5, SIZE)
    assert abs(circular_linear(angle, noisy) - 0.5**0.5) < 0.03


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_mutual_information_of_gaussians(rho):
    """-ln(1 - rho^2)/2; cells of 1/27 of the ranks lose a few hundredths of a nat."""
    x, noise = RNG(0).normal(size=(2, SIZE))
    y = rho * x + (1 - rho**2) ** 0.5 * noise
    exact = -np.log(1 - rho**2) / 2
    assert exact - 0.05 < binned_information(x, np.exp(y)) < exact + 0.01
