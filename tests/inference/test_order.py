"""The order of training in windows: each jet once, anywhere, beside any other."""

import numpy as np
import pytest
from scipy.stats import chisquare

from inference import order as module
from inference.order import shuffled


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 64)


def index(count=1500, share=0.6):
    return np.flatnonzero(np.random.default_rng(7).random(count) < share)


def test_each_jet_is_trained_on_once_an_epoch_and_in_another_order():
    rows = index()
    orders = [shuffled(rows, 3, epoch, 256, 1500).numpy() for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), rows)
    assert not any((one == other).mean() > 0.1 for one, other in ((orders[0], orders[1]), (orders[1], orders[2])))
    np.testing.assert_array_equal(shuffled(rows, 3, 1, 256, 1500), orders[1])
    assert (shuffled(rows, 4, 1, 256, 1500).numpy() != orders[1]).any()


def test_a_window_holds_the_jets_of_its_blocks():
    rows, order = index(), shuffled(index(), 0, 0, 256, 1500).numpy()
    blocks = [set((part // 64).tolist()) for part in np.array_split(order, 30)]
    assert max(map(len, blocks)) <= 8  # of two windows of four blocks
    assert len(set(order[:100] // 64)) == 4
    assert len(order) == len(rows)


@pytest.mark.parametrize("window", [64, 256, 1024])
def test_every_jet_is_as_likely_at_every_place(window):
    """Of 4,000 epochs: in which tenth of the epoch a jet of the first, of a middle and of the last block comes."""
    rows, total, epochs = np.arange(640), 640, 4000
    places = {jet: np.zeros(10) for jet in (0, 63, 333, 639)}
    for epoch in range(epochs):
        order = shuffled(rows, 1, epoch, window, total).numpy()
        where = np.empty(total, int)
        where[order] = np.arange(total)
        for jet, counts in places.items():
            counts[where[jet] * 10 // total] += 1
    for jet, counts in places.items():
        assert chisquare(counts).pvalue > 1e-4, (jet, counts)


def test_a_sorted_file_is_mixed_as_well_as_its_window_allows():
    """Share of the second half of the file in a window of k blocks: 1/2 with the variance of drawing k of n blocks."""
    rows, n = np.arange(64 * 100), 100
    for k in (4, 25):
        shares = []
        for epoch in range(300):
            order = shuffled(rows, 2, epoch, 64 * k, 64 * n).numpy()
            shares.append((order[: 64 * k] >= 64 * n / 2).mean())
        expected = 0.25 / k * (n - k) / (n - 1)
        assert np.mean(shares) == pytest.approx(0.5, abs=4.5 * np.sqrt(expected / 300))
        assert np.var(shares) == pytest.approx(expected, rel=0.4)


def test_all_in_one_window_is_one_shuffle():
    order = shuffled(np.arange(640), 2, 0, 10**6, 640).numpy()
    assert len(set(order[:64] // 64)) == 10
