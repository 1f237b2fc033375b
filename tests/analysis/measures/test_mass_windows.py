"""AUC in windows of mass: against closed forms, and against scikit-learn's."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.figures.mass_windows import score_and_mass
from analysis.measures.mass_windows import auc_in_windows

RANDOM = np.random.default_rng(3)
JETS = 20_000


def test_a_score_of_mass_and_something_else():
    """Score = 4 ln m + t, of t one unit apart: in a narrow window of mass only t is left, AUC = Phi(1 / sqrt 2)."""
    m_s, m_b = np.exp(RANDOM.normal(5, 0.2, JETS)), np.exp(RANDOM.normal(4.4, 0.4, JETS))
    signal = 4 * np.log(m_s) + RANDOM.normal(1, 1, JETS)
    background = 4 * np.log(m_b) + RANDOM.normal(0, 1, JETS)
    found = auc_in_windows(signal, background, m_s, m_b, [(0, np.inf), (119, 121)])
    whole = norm.cdf((4 * 0.6 + 1) / np.sqrt(16 * (0.2**2 + 0.4**2) + 2))
    expected = [whole, norm.cdf(0.5**0.5)]
    assert np.abs(found["auc"].values - expected).max() < 4 * found["error"].max()  # one of 8,000 such fails
    assert found["error"].max() < 0.04
    assert found["signal"].values.tolist() == [JETS, ((m_s >= 119) & (m_s < 121)).sum()]


def test_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    score, mass = RANDOM.normal(size=(2, 300)), RANDOM.uniform(0, 2, (2, 300))
    found = auc_in_windows(*score, *mass, [(0.5, 1.5)])
    inside = (mass >= 0.5) & (mass < 1.5)
    truth = np.repeat([1, 0], inside.sum(1))
    assert float(found["auc"][0]) == pytest.approx(metrics.roc_auc_score(truth, score[inside]))


def test_empty_windows_and_jets_without_mass():
    mass = np.array([np.nan, 1.0, 2.0])
    found = auc_in_windows(np.arange(3.0), np.arange(3.0), mass, mass, [(5, 6), (0, np.inf), (3, 1)])
    assert np.isnan(found["auc"].values).tolist() == [True, False, True]
    assert found["background"].values.tolist() == [0, 2, 0]


def test_what_the_figure_holds():
    jets = {name: (RANDOM.uniform(50, 200, 30), RANDOM.random(30)) for name in ("QCD", "top")}
    windows = auc_in_windows(jets["top"][1], jets["QCD"][1], jets["top"][0], jets["QCD"][0], [(0, np.inf), (50, 200)])
    left, right = score_and_mass(jets, "typicality", {"top": windows}).axes
    assert [len(line.get_xdata()) for line in left.lines] == [30, 30]
    assert "top in QCD, all masses" in [text.get_text() for text in right.get_legend().get_texts()]
