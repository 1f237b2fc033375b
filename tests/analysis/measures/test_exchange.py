"""The permutation test: against sums by hand, all permutations of few jets, and many repeats under the null."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, kstest

from analysis.measures.exchange import Exchanged, Sides, exchanged, standardised, studentised

REPEATS, PERMUTED = 200, 199


def by_hand(values, weights, second, unit):
    """The t of the definition, jet by jet."""
    total, psi = 0.0, {}
    for sign, own in ((-1, ~second), (1, second)):
        mean = np.average(values[own], weights=weights[own])
        total += sign * mean
        for value, weight, name in zip(values[own], weights[own], unit[own], strict=True):
            psi[name] = psi.get(name, 0.0) + sign * weight * (value - mean) / weights[own].sum()
    return total / np.sqrt(sum(each**2 for each in psi.values()))


@pytest.mark.parametrize("events", [60, 25], ids=["of one jet, mostly", "of several jets"])
def test_t_is_that_of_the_definition(events):
    random = np.random.default_rng(1)
    values, weights = random.normal(size=(60, 3)) + 5, random.uniform(-0.2, 2, 60)
    second, unit = random.random(60) < 0.4, random.integers(0, events, 60)
    sides = Sides.of(values, weights, second, unit)
    assert 0 < sides.both < events
    expected = [by_hand(column, weights, second, unit) for column in values.T]
    np.testing.assert_allclose(studentised(sides, sides.second[None])[0], expected, rtol=1e-9)
    swapped = sides._replace(second=~sides.second)
    np.testing.assert_allclose(studentised(swapped, swapped.second[None])[0], np.negative(expected), rtol=1e-9)


def test_p_is_that_of_all_permutations():
    """Four jets against five: of the 126 choices of four those with a |t| as large."""
    values = np.random.default_rng(4).normal(size=9) + np.r_[np.zeros(4), np.full(5, 0.6)]
    second = np.arange(9) >= 4
    every = []
    for four in itertools.combinations(range(9), 4):
        labels = ~np.isin(np.arange(9), four)
        every.append(abs(by_hand(values, np.ones(9), labels, np.arange(9))))
    exact = np.mean(np.array(every) >= abs(by_hand(values, np.ones(9), second, np.arange(9))) - 1e-9)
    found = exchanged(values[:, None], second, permutations=4000).p()
    assert 0.02 < exact < 0.5
    assert abs(found - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)


def test_pairs_are_exchanged_within():
    """Of three events with jets of both there are eight exchanges; both signs of all alike are the largest |t|."""
    values = np.array([0.0, 1.0, 5.0, 6.1, 9.0, 9.9])
    second, unit = np.array([False, True] * 3), np.repeat([7, 3, 5], 2)
    found = exchanged(values[:, None], second, unit=unit, permutations=4000)
    assert abs(found.p() - 2 / 8) < 4 * np.sqrt(0.25 * 0.75 / 4000)
    assert exchanged(values[:, None], second, permutations=400).p() > 0.5


def test_events_stay_whole():
    """Copies of each jet under its event number change nothing; under numbers of their own they feign precision."""
    random = np.random.default_rng(3)
    values, second = random.normal(size=(80, 1)), np.arange(80) % 2 == 0
    once = exchanged(values, second, permutations=500)
    nine = [np.repeat(each, 9, 0) for each in (values, second, np.arange(80))]
    copied = exchanged(nine[0], nine[1], unit=nine[2], permutations=500)
    np.testing.assert_allclose(copied.t, once.t)
    assert copied.p() == once.p()
    assert abs(exchanged(*nine[:2], permutations=500).t[0]) > 2.9 * abs(once.t[0])


def equal(random):
    """Skewed, with copies of a common number in all columns; 60 jets against 90."""
    values = random.exponential(size=(150, 6)) + 2 * random.exponential(size=(150, 1))
    return {"values": values, "second": np.arange(150) >= 60}


def spread(random):
    """Equal means alone: 250 jets of width 1 against 80 of width 4."""
    values = np.r_[random.normal(size=(250, 4)), 4 * random.normal(size=(80, 4))]
    return {"values": values, "second": np.arange(330) >= 250}


def weighted(random):
    """Equal means by weights: jets drawn off the mean by a half, weighted back, against those of weight one."""
    drawn = random.normal(size=(300, 4)) + np.array([0.5, 0, 0, 0])
    weights = np.exp(-0.5 * drawn[:, 0])
    values = np.r_[random.normal(size=(300, 4)), drawn]
    return {"values": values, "second": np.arange(600) >= 300, "weights": np.r_[np.ones(300), weights / weights.mean()]}


def paired(random):
    """The same events twice, of which the second has more noise, and some events that only one has."""
    common = 2 * random.normal(size=(120, 4))
    first, second = common + 0.2 * random.normal(size=(120, 4)), common[20:] + random.normal(size=(100, 4))
    unit = np.r_[np.arange(120), np.arange(20, 120)]
    return {"values": np.r_[first, second], "second": np.arange(220) >= 120, "unit": unit}


def calibration(draw, p_of):
    """Kolmogorov-Smirnov's p of uniform p-values, and the share below 0.05, of 200 repeats."""
    found = [p_of(draw(np.random.default_rng((11, i)))) for i in range(REPEATS)]
    return kstest(found, "uniform").pvalue, np.mean(np.array(found) < 0.05)


@pytest.mark.parametrize("draw", [equal, spread, weighted, paired])
def test_uniform_under_the_null(draw):
    """A true share of 0.12 would be beyond the 99.9 % of 0.05 in nine of ten tests."""
    uniform, share = calibration(draw, lambda case: exchanged(**case, permutations=PERMUTED).p())
    assert uniform > 0.005
    assert binom.ppf(0.0005, REPEATS, 0.05) <= REPEATS * share <= binom.ppf(0.9995, REPEATS, 0.05)


def test_without_the_division_it_would_not_be():
    """The same test of bare differences of means calls equal means of few wide jets different."""

    def bare(case):
        values, second, random = standardised(case["values"]), case["second"], np.random.default_rng(0)
        labels = np.stack([second, *(random.permutation(second) for _ in range(PERMUTED))])
        gap = labels @ values / second.sum() - ~labels @ values / (~second).sum()
        return Exchanged(gap[0], gap[1:]).p()

    uniform, share = calibration(spread, bare)
    assert uniform < 1e-6
    assert share > 0.2


def test_step_down_is_between_one_and_all():
    """Where one number differs it is found, and the rest is compared among itself: never above the single step."""
    random = np.random.default_rng(5)
    values, second = random.normal(size=(200, 5)), np.arange(200) >= 100
    values[second, 2] += 1.0
    found = exchanged(values, second, permutations=999)
    adjusted = found.adjusted()
    assert adjusted[2] == pytest.approx(0.001)
    assert adjusted[2] == found.p()
    single = [(1 + (np.abs(found.permuted).max(1) >= abs(t)).sum()) / 1000 for t in found.t]
    alone = [found.p(np.array([k])) for k in range(5)]
    assert (adjusted <= np.array(single) + 1e-12).all()
    assert (adjusted >= np.array(alone) - 1e-12).all()
    rest = np.array([0, 1, 3, 4])
    assert adjusted[rest].min() == found.p(rest)
    assert abs(found.t[2]) > found.critical() > np.abs(found.t[rest]).max()


def test_a_constant_number_says_nothing():
    values = np.c_[np.full(40, 3.1), np.random.default_rng(0).normal(size=40)]
    found = exchanged(values, np.arange(40) >= 20, permutations=50)
    assert found.t[0] == 0
    assert found.adjusted()[0] == 1
