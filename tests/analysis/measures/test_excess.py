"""Counting in a window: expectations reproduce polynomials, p-values are uniform, significances are those of on/off."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import kstest

from analysis.measures import at_mass
from analysis.measures import excess as module
from analysis.measures.at_mass import equal_at_mass, shuffled
from analysis.measures.excess import CUTS, Bands, counted, excess, fitted, significance, together_of

WINDOW = (65.0, 105.0)


def sample(random, count=16000, slope=0.4):
    """Masses, and scores of which the larger are the more frequent the lighter the jet."""
    mass = np.exp(random.normal(4.3, 0.5, count))
    bands = Bands.of(mass, WINDOW)
    near = bands.inside | bands.beside
    score = -random.random(near.sum()) * (mass[near] / 80) ** slope
    return score, bands.place[near], bands.inside[near]


def tails_of(score, inside):
    others = np.sort(score[~inside])
    return (len(others) - np.searchsorted(others, score) + 0.5) / (len(others) + 1)


def test_bands_are_as_wide_as_the_window():
    bands = Bands.of(np.exp(np.linspace(3, 6, 4000)), WINDOW)
    assert np.diff(np.log(bands.edges)) == pytest.approx(np.log(105 / 65))
    assert not (bands.inside & bands.beside).any()
    assert np.abs(bands.place[bands.inside | bands.beside]).max() <= 1


def test_bands_of_too_few_jets_say_where():
    mass = np.exp(np.linspace(3, 6, 4000))
    with pytest.raises(ValueError, match="0 jets in the window"):
        Bands.of(mass, (2000.0, 3000.0))
    with pytest.raises(ValueError, match="0 jets below it, from 40"):
        Bands.of(mass[mass > 65], WINDOW)
    with pytest.raises(ValueError, match=r"0 jets above it, up to 169\.6"):
        Bands.of(mass[mass < 105], WINDOW)
    with pytest.raises(ValueError, match="begins at 0 GeV"):
        Bands.of(mass, (0.0, 100.0))
    with pytest.raises(ValueError, match="0 jets in the window"):
        Bands.of(np.full(1000, np.nan), WINDOW)


def test_the_weights_of_the_sidebands_reproduce_polynomials():
    _, place, inside = sample(np.random.default_rng(0))
    weight = fitted(np.ones((len(place), 1), bool), place, inside)[1]
    for power in range(3):
        assert weight @ place[~inside] ** power == pytest.approx((place[inside] ** power).sum())


def on_off(n, b, variance):
    """Significance of n beside m = b^2 / variance jets of a control region b / variance times as large, by search."""
    ratio = b / variance
    m = ratio * b

    def minus_log(mean, signal):
        return -(n * np.log(mean + signal) - mean - signal + m * np.log(ratio * mean) - ratio * mean)

    free = minus_log(b, n - b)
    none = minimize_scalar(lambda mean: minus_log(mean, 0.0), bounds=(1e-3, 10 * (n + b)), method="bounded")
    return np.sign(n - b) * np.sqrt(2 * (none.fun - free))


@pytest.mark.parametrize(("n", "b", "variance"), [(130, 100, 25), (80, 100, 25), (12, 4, 0.5), (500, 450, 900)])
def test_significance_is_that_of_the_likelihood_ratio(n, b, variance):
    assert significance(np.array(float(n)), np.array(float(b)), np.array(float(variance))) == pytest.approx(
        on_off(n, b, variance), abs=1e-3
    )


def test_without_an_anomaly_p_values_are_uniform(monkeypatch):
    """Where the share is a quadratic function exactly."""
    monkeypatch.setattr(module, "DRAWS", 2000)
    monkeypatch.setattr(module, "ROUGH", 0.0)
    random = np.random.default_rng(0)
    p, z = [], []
    for seed in range(200):
        score, place, inside = sample(random)
        found = excess(tails_of(score, inside), place, inside, seed)
        p.append(found.attrs["p_value"])
        z.append(found["significance"].values)
    assert kstest(p, "uniform").pvalue > 0.01
    assert (np.array(p) <= 0.05).mean() < 0.11
    assert np.abs(np.nanmean(z, 0)).max() < 0.25
    assert np.nanstd(z, 0)[:2] == pytest.approx(1, abs=0.2)


def test_what_the_form_of_the_share_explains_is_no_excess():
    """Expected are 4 % more, or less, or as many as were seen."""
    score, place, inside = sample(np.random.default_rng(1), 40_000)
    tail = tails_of(score, inside)
    seen, expected, covariance = counted(tail, place, inside)
    assert np.abs(seen / expected - 1).max() > 0.005
    found = excess(tail, place, inside, together=1e9 * covariance)
    assert found["significance"].values == pytest.approx(0, abs=1e-3)
    for factor, sign in ((1.02, 0), (1.2, 1), (0.8, -1)):
        near = np.clip(factor * expected, 0.96 * expected, 1.04 * expected)
        z = significance(factor * expected, near, np.diag(covariance))
        assert (np.sign(np.round(z, 9)) == sign).all()


def test_counts_of_a_score_made_equal_at_each_mass_vary_as_those_of_dealt_jets(monkeypatch):
    """Fits that know the window's jets leave less to chance than a sum over sidebands says; permutations know it."""
    monkeypatch.setattr(at_mass, "TIMES", 20)
    random, off, said, naive = np.random.default_rng(5), [], [], []
    for seed in range(40):
        mass, pt, halves = np.exp(random.normal(4.3, 0.4, 8000)), random.normal(size=8000), np.arange(8000) % 2
        bands = Bands.of(mass, WINDOW)
        near = np.flatnonzero(bands.inside | bands.beside)
        u, inside, pt, halves = bands.place[near], bands.inside[near], pt[near], halves[near]
        score = (1 + halves) * (0.3 * u + (1 + 0.3 * u**2) * random.exponential(size=len(u)))
        even, tail = equal_at_mass(score, u, pt, halves)
        seen, expected, covariance = counted(tail, u, inside)
        off.append(seen - expected)
        naive.append(seen + np.diag(covariance))
        said.append(np.diag(together_of(shuffled(even, u, pt, halves, seed), u, inside)))
    spread = np.std(off, 0)
    assert np.sqrt(np.mean(said, 0)) == pytest.approx(spread, rel=0.3)
    assert np.abs(np.mean(off, 0) / spread).max() < 0.6
    assert (np.sqrt(np.mean(naive, 0)) > 0.8 * spread).all()


def test_jets_that_are_put_in_are_found():
    score, place, inside = sample(np.random.default_rng(1))
    put_in = np.random.default_rng(2).uniform(-1 / 3, 1 / 3, 120)
    score = np.concatenate([score, np.full(120, 1.0)])
    place, inside = np.concatenate([place, put_in]), np.concatenate([inside, np.ones(120, bool)])
    found = excess(tails_of(score, inside), place, inside)
    extra = (found["observed"] - found["expected"]).values
    assert extra == pytest.approx(120, abs=4 * np.sqrt(found["expected"].values.max()))
    assert found.attrs["p_value"] < 1e-4
    assert found["significance"].values[0] > 4


def test_cuts_of_which_too_little_is_expected_are_not_looked_at():
    random = np.random.default_rng(3)
    place = random.uniform(-1, 1, 2000)
    inside = np.abs(place) < 1 / 3
    found = excess(tails_of(random.random(2000), inside), place, inside)
    assert np.isnan(found["significance"].values[CUTS.index(0.01)])
    assert found["significance"].values[0] == pytest.approx(0, abs=4)
    few = np.abs(place) < 0.02
    assert few.sum() > 5
    assert np.isnan(excess(tails_of(random.random(2000), few), place, few).attrs["p_value"])
