"""P-values at given mass: uniform in bins of it, to its very ends."""

import numpy as np
import pytest
from scipy.stats import kstest

from analysis.measures import conditional
from analysis.measures.conditional import Conditional


def sample(count, seed):
    """Scores whose mean, width and skewness change with a falling mass spectrum, and whose mean changes with pT."""
    random = np.random.default_rng(seed)
    mass, pt = random.exponential(size=count), random.normal(size=count)
    noise = random.gamma(4 + mass)
    score = 3 * np.log1p(mass) + (1 + 0.5 * mass) * (noise - 4 - mass) + 0.7 * pt + 0.2 * pt**2
    return score, np.column_stack([mass, pt])


@pytest.fixture(scope="module")
def known():
    return Conditional.of(*sample(20000, 0))


@pytest.fixture(scope="module")
def tested():
    return sample(100_000, 1)


@pytest.mark.parametrize("which", [0, 1])
def test_as_many_pass_in_every_bin(which):
    """Ten bins of mass or pT of 10,000 calibration jets each: statistics of 0.1 at 0.01, 0.045 at 0.05."""
    p_of, (score, conditions) = Conditional.of(*sample(100_000, 6)), sample(300_000, 7)
    p = p_of.p_value(score, conditions)
    for level, most in ((0.01, 0.3), (0.05, 0.15), (0.2, 0.08)):
        passed = [(p[part] <= level).mean() for part in np.array_split(np.argsort(conditions[:, which]), 10)]
        np.testing.assert_allclose(np.array(passed) / level, 1, atol=most)
    assert kstest(p, "uniform").statistic < 0.01


def test_the_ends_too(known, tested):
    order = np.argsort(tested[1][:, 0])
    p = known.p_value(*tested)
    for part in (order[:1000], order[-1000:]):
        assert (p[part] <= 0.05).mean() == pytest.approx(0.05, abs=0.025)


def test_a_window_alone_fails_at_the_ends(monkeypatch, tested):
    """The control: without mean and width taken out, one-sided windows let too many or too few pass."""
    monkeypatch.setattr(conditional, "DEGREE", 0)
    p = Conditional.of(*sample(20000, 0)).p_value(*tested)
    highest = np.argsort(tested[1][:, 0])[-1000:]
    assert not 0.025 < (p[highest] <= 0.05).mean() < 0.075


def test_p_values_are_valid_for_few_jets():
    """Of 120 calibration jets, over 300 calibrations: P(p <= 0.1) does not exceed 0.1 by more than a little."""
    passed = []
    for seed in range(300):
        score, conditions = sample(220, 10 + seed)
        p = Conditional.of(score[:120], conditions[:120]).p_value(score[120:], conditions[120:])
        passed.append((p <= 0.1).mean())
    assert np.mean(passed) == pytest.approx(0.1, abs=0.035)


def test_larger_scores_have_smaller_p(known):
    at = np.tile([[1.0, 0.0]], (50, 1))
    score = np.linspace(-5, 30, 50)
    p, odd = known.p_value(score, at), known.odd(score, at)
    assert (np.diff(p) <= 0).all()
    assert (np.diff(odd) > 0).all()
    assert p.min() == pytest.approx(1 / 401)


def test_the_score_s_unit_does_not_matter(tested):
    score, conditions = sample(3000, 2)
    one = Conditional.of(score, conditions).p_value(*tested)
    two = Conditional.of(100 * score + 7, conditions).p_value(100 * tested[0] + 7, tested[1])
    assert np.mean(one != two) < 1e-3


def test_jets_without_a_score(known):
    p = known.p_value(np.array([np.nan, 1.0, 1.0]), np.array([[1.0, 0.0], [np.nan, 0.0], [1.0, 0.0]]))
    assert np.isnan(p[:2]).all()
    assert 0 < p[2] <= 1
    score, conditions = sample(1000, 3)
    gaps = np.concatenate([score, [np.nan, np.inf]]), np.concatenate([conditions, conditions[:2]])
    np.testing.assert_array_equal(Conditional.of(*gaps).usual, Conditional.of(score, conditions).usual)


def test_order_of_jets_does_not_matter(tested):
    score, conditions = sample(2000, 4)
    order = np.random.default_rng(0).permutation(2000)
    one = Conditional.of(score, conditions).p_value(tested[0][:500], tested[1][:500])
    two = Conditional.of(score[order], conditions[order]).p_value(tested[0][:500], tested[1][:500])
    assert np.mean(one != two) < 0.01  # sums round otherwise


def test_a_constant_score_is_never_odd():
    conditions = sample(500, 5)[1]
    p = Conditional.of(np.ones(500), conditions).p_value(np.ones(20), conditions[:20])
    assert (p > 0.1).all()


def test_too_few():
    with pytest.raises(ValueError, match="at least 100"):
        Conditional.of(*sample(99, 0))
