"""Curves of jets of two samples in the same models: closed forms of Gaussians, pairs of models, scales."""

import numpy as np
import pytest

from analysis.measures.two_samples import Held, centred, differences, pooled, silent, spans

BETA = np.geomspace(0.05, 8, 15)
CURVES = ("D2", "kl", "distortion")


def curves(x, sizes):
    r"""Of points ``(n, 3)`` in the optimal model of a Gaussian: D2, KL, distortion ``(3, beta, n)``.

    With a = min(1, beta^2/S^2): KL = sum (a - 1 - ln a + (1 - a) x^2/S^2) / 2, of which D2 is the derivative.
    """
    share = np.minimum(1, (BETA[:, None, None] / sizes) ** 2)
    scaled = (x / sizes) ** 2
    kl = (share - 1 - np.log(share) + (1 - share) * scaled).sum(-1) / 2
    d2 = np.where(share < 1, 1 - share + share * scaled, 0).sum(-1)
    return np.stack([d2, kl, (share**2 * x**2 + (1 - share) * share * sizes**2).sum(-1)])


def held(x, sizes=((4, 1, 0.3), (4, 1, 0.3)), first=0, weights=None):
    """Jets in the models of two Gaussians."""
    values = np.mean([curves(x, np.array(each)) for each in sizes], 0)
    number = first + np.arange(len(x))
    return Held(values, np.ones(len(x)) if weights is None else weights, number, number)


def samples(narrow=0.3, jets=800, seed=0):
    random = np.random.default_rng(seed)
    sizes = ((4, 1, 0.3), (4, 1, narrow))
    one, other = (held(random.normal(size=(jets, 3)) * own, sizes=sizes) for own in sizes)
    return one, other._replace(unit=other.unit + jets)


def test_the_scale_of_a_narrower_direction_is_named():
    """One of three sizes is 0.2 in place of 0.3: D2 differs most there, and at no scale twice as large."""
    found = differences([samples(narrow=0.2)], CURVES, BETA, 0)
    assert found.attrs["p"] == pytest.approx(1 / 2001)
    assert 0.2 < spans(found, "D2")[-1][1] < 0.4
    most = BETA[np.abs(found["same_models_difference"].sel(curve="D2").values).argmax()]
    assert 0.14 < most < 0.3
    assert found["t"].sel(curve="D2").min() < -8
    assert (found["p"].sel(curve=["D2", "kl"], beta=slice(0.7, None)) > 0.05).all()
    one, other = (own.values[0].mean(1) for own in samples(narrow=0.2))
    np.testing.assert_allclose(found["same_models_difference"].sel(curve="D2"), other - one, atol=1e-12)


def test_equal_samples_do_not_differ():
    found = differences([samples(seed=1)], CURVES, BETA, 0)
    assert found.attrs["p"] > 0.05
    assert not any(spans(found, name) for name in CURVES)
    assert found.attrs["jets_tested"] == [800, 800]
    assert found.attrs["events_of_both"] == 0


def test_where_nothing_is_told_nothing_is_tested():
    """Above the largest size the KL is zero; a leak of 1e-6 nat that differs is not called a difference."""
    one, other = samples(seed=1)
    other.values[1, -1] += 1e-6
    found = differences([(one, other)], CURVES, BETA, 0)
    assert float(found["p"].sel(curve="kl")[-1]) == 1
    mask = silent([(one, other)], CURVES)
    np.testing.assert_array_equal(mask[0], BETA > 4)
    assert not mask[2].any()


def test_a_jet_of_several_pairs_counts_with_its_mean():
    """Without what the models of a pair add to all jets, and with as much weight as pairs hold it out."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 3)), random.normal(size=(30, 3))
    first = held(x[:20]), held(y[:20])
    second = held(x[10:], first=10), held(y[10:], first=10)
    more = tuple(own._replace(values=own.values + 7.0) for own in second)
    plain, shifted = pooled([first, second]), pooled([first, more])
    np.testing.assert_allclose(plain.values, shifted.values, atol=1e-9)
    assert plain.second.sum() == 30
    counts = np.r_[np.ones(10), np.full(10, 2), np.ones(10)]
    np.testing.assert_allclose(plain.weights, np.tile(counts / counts.mean(), 2))
    expected = (centred(first)[0][10] + centred(second)[0][0]) / 2
    np.testing.assert_allclose(plain.values[10], expected)


def test_weights_count():
    """Jets of weight zero are as if they were not there."""
    one, other = samples(narrow=0.25, jets=300)
    zeros = np.r_[np.ones(200), np.zeros(100)]
    found = differences([(one._replace(weights=zeros), other._replace(weights=zeros))], CURVES, BETA, 0)
    half = [Held(own.values[..., :200], own.weights[:200], own.number[:200], own.unit[:200]) for own in (one, other)]
    expected = differences([tuple(half)], CURVES, BETA, 0)
    np.testing.assert_allclose(found["same_models_difference"], expected["same_models_difference"], rtol=1e-9)
    np.testing.assert_allclose(found["t"], expected["t"], rtol=1e-9)
    assert found.attrs["jets_effective"] == pytest.approx([200, 200])


def test_ranges_of_scales():
    found = differences([samples(seed=1)], CURVES, BETA, 0)
    found["p"][:] = 1.0
    found["p"].loc[{"curve": "D2"}] = np.where(np.isin(np.arange(15), (0, 1, 2, 7, 14)), 0.01, 0.5)
    assert spans(found, "D2") == [(BETA[0], BETA[2]), (BETA[7], BETA[7]), (BETA[14], BETA[14])]
    assert spans(found, "kl") == []
