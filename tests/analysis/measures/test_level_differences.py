"""Differences of two samples: Gaussians of known dimension, the bootstrap against closed form, and pairing."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.level_differences import compared, onset, paired

BETA = np.geomspace(0.02, 2.0, 25)
SCALES = {"partons": (1.0, 0.5), "hadrons": (1.0, 0.5, 0.1)}


def training(sizes, *, jets=400, seed=0, off=0.0, events=True, noise=0.3, own=0.05, weights=None):
    """A training that measures independent directions of these sizes: soft steps of D2, its integral as KL.

    Jets differ by a common factor, the same in all samples, and by a smaller one of their own.
    """
    common = np.random.default_rng(99).normal(size=jets) * noise
    random = np.random.default_rng(seed)
    factor = 1 + common + random.normal(size=jets) * own
    sharp = 12
    step = sum(1 / (1 + (BETA / size) ** sharp) for size in sizes)
    kl = sum(np.log1p((BETA / size) ** -sharp) / sharp for size in sizes)
    table = {
        "kl": (("beta", "jet", "kl_term"), (kl[:, None] * factor)[..., None]),
        "distortion": (("beta", "jet"), BETA[:, None] ** 2 * factor),
        "kl_slope": (("beta", "jet"), -(step + off)[:, None] * factor),
        "distortion_slope": (("beta", "jet"), 2 * BETA[:, None] ** 2 * (step + off)[:, None] * factor),
    }
    coordinates = {"beta": BETA} | ({"event": ("jet", np.arange(jets) * 3)} if events else {})
    coordinates |= {} if weights is None else {"weight": ("jet", weights)}
    return xr.Dataset(table, coordinates, {"power": 2.0, "scale": 600.0, "unit": "GeV"})


def of(name, seeds=3, spread=0.02, **options):
    """Trainings of several seeds, each a little off."""
    off = np.random.default_rng(5 if name == "partons" else 6).normal(size=seeds) * spread
    return [training(SCALES[name], seed=10 * i + len(name), off=off[i], **options) for i in range(seeds)]


def test_the_scale_is_where_the_extra_direction_switches_on():
    """A third direction of size 0.1: half of it, 10 % of the mean 2.25, counts from 0.1 (1 / 0.225 - 1)^(1 / 12) on."""
    found = compared(of("partons"), of("hadrons"), ["partons", "hadrons"])
    scale = onset(found, "D2")
    assert scale.low <= scale.value <= scale.high
    assert scale.absent == 0
    share = 0.1 * 2.1  # 10 % of the mean of 2 and 2 + 0.21
    expected = 0.1 * (1 / share - 1) ** (1 / 12)
    assert abs(np.log(scale.value / expected)) < 0.05
    fine = found.isel(beta=0)
    assert abs(float(fine["D2_difference"]) - 1) < 2 * float(fine["D2_difference_error"])


def test_equal_samples_show_none():
    found = compared(of("partons"), of("partons", jets=400), ["a", "b"])
    assert np.isnan(onset(found, "D2").value)
    assert onset(found, "D2").absent > 0.9


def test_a_difference_within_its_errors_is_none():
    """The same extra direction, but trainings that differ by one and a half dimensions among themselves."""
    found = compared(of("partons", spread=1.5), of("hadrons", spread=1.5), ["partons", "hadrons"])
    assert np.isnan(onset(found, "D2").value)


def test_errors_are_those_of_paired_jets():
    """Of one seed, against the closed form of a mean of differences; without event numbers, of two means."""
    first, second = training(SCALES["partons"], seed=1), training(SCALES["hadrons"], seed=2)
    pairs = compared([first], [second], ["a", "b"])
    d2 = [-np.asarray(own["kl_slope"]) for own in (first, second)]
    np.testing.assert_allclose(pairs["D2_difference"], (d2[1] - d2[0]).mean(1), rtol=1e-12)
    closed = (d2[1] - d2[0]).std(1, ddof=1) / 20
    np.testing.assert_allclose(pairs["D2_difference_error"], closed, rtol=0.2)
    alone = compared([first.drop_vars("event")], [second], ["a", "b"])
    assert (pairs.attrs["paired"], alone.attrs["paired"]) == (1, 0)
    closed = np.hypot(*(own.std(1, ddof=1) / 20 for own in d2))
    np.testing.assert_allclose(alone["D2_difference_error"], closed, rtol=0.2)
    assert (alone["D2_difference_error"][:5] > 3 * pairs["D2_difference_error"][:5]).all()


def test_spread_of_seeds_is_in_the_error():
    trainings = of("partons", spread=0.4), of("hadrons", spread=0.4)
    found = compared(*trainings, ["a", "b"])
    gaps = [-(two["kl_slope"] - one["kl_slope"]).mean("jet") for one, two in zip(*trainings, strict=True)]
    spread = np.std(np.stack(gaps), axis=0, ddof=1)
    expected = np.hypot(spread, found["D2_difference_error_of_jets"])
    np.testing.assert_allclose(found["D2_difference_error"], expected, rtol=1e-6)
    np.testing.assert_allclose(found["D2_draws"].std("draw"), expected, rtol=0.35)


def test_pairs_are_of_equal_events_in_any_order():
    first, second = training(SCALES["partons"], seed=1), training(SCALES["hadrons"], seed=2)
    order = np.random.default_rng(0).permutation(400)
    one, other, together = paired(first.isel(jet=slice(100, None)), second.isel(jet=order))
    assert together
    np.testing.assert_array_equal(one["event"], other["event"])
    assert one.sizes["jet"] == 300
    twice = first.assign_coords(event=("jet", np.zeros(400, int)))
    assert not paired(twice, second)[2]
    apart = second.assign_coords(event=second["event"] + 1)
    assert not paired(first, apart)[2]


def test_weights_count():
    """Jets of weight zero are as if they were not there."""
    weights = np.r_[np.ones(200), np.zeros(200)]
    pair = [training(SCALES[name], seed=k, weights=weights) for k, name in enumerate(SCALES)]
    found = compared(pair[:1], pair[1:], ["a", "b"])
    half = [own.isel(jet=slice(200)) for own in pair]
    expected = compared(half[:1], half[1:], ["a", "b"])
    np.testing.assert_allclose(found["D2_difference"], expected["D2_difference"], rtol=1e-12)


def test_other_resolutions_are_refused():
    one = training(SCALES["partons"])
    with pytest.raises(ValueError, match="same resolutions"):
        compared([one], [one.isel(beta=slice(1, None))], ["a", "b"])
