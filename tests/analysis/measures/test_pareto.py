"""The tail index of importance weights against arviz_stats, mpmath and weights whose tail is known."""

import mpmath
import numpy as np
import pytest
from arviz_stats.base import array_stats

from analysis.measures.pareto import tail_index, widening


@pytest.mark.parametrize("deviation", [0.1, 1, 3, 30])
@pytest.mark.parametrize("draws", [100, 400, 4000])
def test_arviz_where_it_can(deviation, draws):
    """Log weights whose tail fits in a double; arviz_stats takes minus them."""
    log_weight = deviation * np.random.default_rng(draws).normal(size=draws)
    expected = array_stats.psislw(-log_weight)[1]
    if deviation < 10:  # beyond, one draw outweighs all others
        assert tail_index(log_weight) == pytest.approx(expected, abs=1e-10)
    else:
        assert tail_index(log_weight) == pytest.approx(max(1, expected), abs=1e-10)


def in_many_digits(log_weight):
    """The estimate as it is written (Zhang & Stephens 2009; Vehtari et al., appendix C), by mpmath."""
    with mpmath.workdps(50 + int(np.ptp(log_weight))):
        weight = [mpmath.exp(mpmath.mpf(float(v))) for v in np.sort(log_weight)]
        count = int(3 * len(weight) ** 0.5)
        x = [w - weight[-count - 1] for w in weight[-count:]]
        grid = 30 + int(count**0.5)
        first = x[int(count / 4 + 0.5) - 1]
        theta = [1 / x[-1] + (1 - mpmath.sqrt(grid / mpmath.mpf(i - 0.5))) / (3 * first) for i in range(1, grid + 1)]

        def k_of(t):
            return mpmath.fsum(mpmath.log1p(-t * v) for v in x) / count

        profile = [count * (mpmath.log(-t / k_of(t)) - k_of(t) - 1) for t in theta]
        likelihood = [mpmath.exp(value - max(profile)) for value in profile]
        mean = mpmath.fsum(t * w for t, w in zip(theta, likelihood, strict=True)) / mpmath.fsum(likelihood)
        return float((count * k_of(mean) + 5) / (count + 10))


@pytest.mark.parametrize("deviation", [1, 30])
def test_many_digits(deviation):
    log_weight = deviation * np.random.default_rng(0).normal(size=400)
    assert tail_index(log_weight) == pytest.approx(in_many_digits(log_weight), rel=1e-9)


def test_weights_of_any_width():
    """Log weights of a deviation of 500, where weights that underflow gave 0.07; the value by mpmath."""
    log_weight = 500 * np.random.default_rng(0).normal(size=(1, 400))[0]
    assert tail_index(log_weight) == pytest.approx(144.95333376835, rel=1e-9)
    assert tail_index(log_weight / 5) == pytest.approx(29.5533523838, rel=1e-9)
    assert np.isfinite(tail_index(1e200 * log_weight))


@pytest.mark.parametrize("share", [(0.2, 0.3, 0.5), (0.45, 0.5, 0.05), (0.98, 0.01, 0.01)])
def test_weights_of_few_values_are_bounded(share):
    """As those of categories alone: any ties, no error, a finite index below that of any tail."""
    weight = np.random.default_rng(0).choice([0.2, 0.3, 0.5], size=400, p=share)
    assert -10 < tail_index(np.log(weight)) < 0.5


@pytest.mark.parametrize("height", [10, 100, 1000])
def test_one_draw_among_alike_ones(height):
    """A mode that one draw of 400 found: it outweighs all others, so nothing is known of the mean."""
    assert tail_index(np.r_[np.zeros(399), height]) >= 1


@pytest.mark.parametrize("positive", [0, 1, 4])
def test_too_few_weights_above_zero(positive):
    assert np.isinf(tail_index(np.r_[np.zeros(positive) + np.arange(positive), np.full(400, -np.inf)]))


def test_zeros_are_weights():
    """Half of the draws outside the support: the tail of the others, w = U^-0.4, is found."""
    random = np.random.default_rng(0)
    found = [tail_index(np.r_[0.4 * random.exponential(size=2000), np.full(2000, -np.inf)]) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.4, abs=0.1)


def test_widening_begins_at_one_half_and_ends_at_the_limit():
    """The limit of the rate at k = 1/2 is 1 - 1/ln S (Vehtari et al., appendix B): a factor e^(1/2)."""
    found = widening(np.array([-1, 0.5, 0.5 + 1e-6, 0.6, 0.7, 0.7001, np.nan]), 1000)
    assert found[:2].tolist() == [1, 1]
    assert found[2] == pytest.approx(np.exp(0.5), rel=0.005)
    assert found[2] < found[3] < found[4]
    assert np.isinf(found[5])
    assert found[6] == 1
