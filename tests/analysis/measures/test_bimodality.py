"""Bi-modality in closed form."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.measures.bimodality import bimodality


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
