"""Keys of jets: of themselves or their events, wherever they lie."""

import numpy as np
import pytest
from scipy.stats import kstest, pearsonr

from jets.out_of_core.keys import HARDEST, keys, mixed, uniform


def test_a_key_is_that_of_the_jet_not_of_its_place(sample):
    found, order = keys(sample.constituents), np.random.default_rng(0).permutation(len(sample))
    np.testing.assert_array_equal(keys(sample.constituents[order]), found[order])
    np.testing.assert_array_equal(keys(sample.constituents[100:200]), found[100:200])
    wide = np.pad(sample.constituents, ((0, 0), (0, 7), (0, 0)))
    np.testing.assert_array_equal(keys(wide), found)
    assert len(np.unique(found)) == len(np.unique(sample.constituents[:, :HARDEST], axis=0))


def test_any_number_of_the_leading_constituents_changes_it(sample):
    one = sample.constituents[:1]
    for place in np.ndindex(HARDEST, 3):
        other = one.copy()
        other[(0, *place)] = np.nextafter(other[(0, *place)], np.float32(9))
        assert keys(other) != keys(one), place
    minus = one.copy()
    minus[one == 0] = -0.0
    assert keys(minus) == keys(one)


def test_jets_of_an_event_have_one_key(sample):
    events = np.arange(len(sample)) // 3 - 5
    found = keys(sample.constituents, events)
    assert len(np.unique(found)) == len(np.unique(events))
    np.testing.assert_array_equal(found, keys(sample.constituents[:, :2], events))


def test_vectors_have_keys_of_all_their_numbers():
    points = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    other = points.copy()
    other[:, 29] += 1
    assert not (keys(points) == keys(other)).any()


@pytest.mark.parametrize("given", [np.arange(20_000), 2**40 * np.arange(20_000), -np.arange(20_000)])
def test_numbers_of_keys_are_uniform_and_independent_of_seeds_and_neighbours(given):
    """Of consecutive event numbers, too: Kolmogorov's distance and correlations are those of random numbers."""
    found = mixed(given.astype(np.int64).view(np.uint64))
    u, v = uniform(found, 0, 0), uniform(found, 0, 1)
    for each in (u, v, uniform(found, 7, 0)):
        assert kstest(each, "uniform").pvalue > 1e-4
    for one, other in ((u, v), (u, uniform(found, 1, 0)), (u[1:], u[:-1])):
        assert abs(pearsonr(one, other).statistic) < 4.5 / np.sqrt(len(u))
    assert u.min() >= 0
    assert u.max() < 1
