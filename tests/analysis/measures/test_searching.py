"""What a search asks of a score: a score that is the mass, one that is not, and the numbers by scipy."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

import jets
from analysis.measures.searching import divergence, known_of, rank_correlation, sculpting, search_table, window_of


@pytest.fixture(scope="module")
def table():
    """Background of falling mass, signal at 80; a score that is the mass, and one that is independent of it."""
    random = np.random.default_rng(0)
    mass = np.concatenate([random.exponential(60, 20000), random.normal(80, 8, 4000)])
    is_signal = np.arange(24000) >= 20000
    shape = random.normal(size=24000) + is_signal
    coords = {"score": ["mass", "shape"], "mass": ("jet", mass), "pT": ("jet", random.normal(600, 9, 24000))}
    values = xr.DataArray(np.stack([mass, shape]), coords | {"particles": ("jet", mass * 2)}, ("score", "jet"))
    return search_table(values, is_signal), search_table(values, is_signal, (60, 100)), values, is_signal


def test_a_score_that_is_the_mass(table):
    found = table[1].sel(score="mass")
    assert float(found["auc"]) == pytest.approx(0.74, abs=0.03)  # over all masses it seems to find something
    assert abs(float(found["window_auc"]) - 0.5) < 0.12
    assert float(found["correlation"].sel(known="mass")) == 1
    assert float(found["correlation"].sel(known="particles")) == 1
    assert abs(float(found["correlation"].sel(known="pT"))) < 0.03
    assert float(found["sculpting"].sel(cut=0.05)) > 0.5


def test_a_score_that_is_not(table):
    found = table[1].sel(score="shape")
    assert float(found["window_auc"]) == pytest.approx(0.760, abs=3 * float(found["window_auc_error"]))  # Phi(1/sqrt 2)
    assert abs(float(found["correlation"].sel(known="mass"))) < 0.03
    for cut in (0.05, 0.01):
        chance = float(found["by_chance"].sel(cut=cut))
        assert float(found["sculpting"].sel(cut=cut)) < 2.5 * chance
    assert float(found["by_chance"].sel(cut=0.01)) > float(found["by_chance"].sel(cut=0.05))


def test_windows(table):
    default, given, values, is_signal = table
    mass = values["mass"].values
    assert (default.attrs["low"], default.attrs["high"]) == window_of(mass[is_signal])
    inside = (mass >= 60) & (mass < 100)
    assert given.attrs["signal"] == (inside & is_signal).sum()
    assert given.attrs["background"] == (inside & ~is_signal).sum()


def test_jets_without_a_score_are_left_out(table):
    values, is_signal = table[2:]
    gaps = values.copy()
    gaps[:, ::3] = np.nan
    kept = np.ones(24000, bool)
    kept[::3] = False
    one, two = search_table(gaps, is_signal, (60, 100)), search_table(values[:, kept], is_signal[kept], (60, 100))
    xr.testing.assert_allclose(one.drop_attrs(), two.drop_attrs())


def test_the_divergence_is_scipy_s():
    random = np.random.default_rng(1)
    edges = np.linspace(-2, 2, 21)
    one, two = random.normal(size=3000), random.normal(0.5, size=500)
    by_scipy = jensenshannon(np.histogram(one, edges)[0], np.histogram(two, edges)[0]) ** 2
    assert divergence(one, two, edges) == pytest.approx(by_scipy)
    assert divergence(one, one, edges) == 0
    assert divergence(one - 9, one, np.array([-20.0, -5, 20])) == pytest.approx(np.log(2), abs=0.01)


def test_the_correlation_is_scipy_s():
    random = np.random.default_rng(2)
    one = random.integers(0, 9, 500).astype(float)
    two = one + random.normal(size=500)
    assert rank_correlation(one, two) == pytest.approx(spearmanr(one, two).statistic)
    assert np.isnan(rank_correlation(one, np.zeros(500)))


def test_tied_scores_are_cut_by_chance():
    mass = np.random.default_rng(3).exponential(size=5000)
    value, chance = sculpting(mass, np.zeros(5000), 0.05)
    assert value < 2.5 * chance


def test_known_of_jets():
    sample = jets.load("sample:w")[:300]
    found = {name: column for name, (_, column) in known_of(sample.constituents).items()}
    np.testing.assert_array_equal(found["particles"], (sample.constituents[..., 0] > 0).sum(1))
    np.testing.assert_allclose(found["mass"], sample.jet["mass"], rtol=0.15)
    np.testing.assert_allclose(found["pT"], sample.jet["pt"], rtol=0.06)


def test_no_signal_in_the_window(table):
    _, _, values, is_signal = table
    found = search_table(values, is_signal, (5000, 6000))
    assert found["window_auc"].isnull().all()
    assert found["auc"].notnull().all()
