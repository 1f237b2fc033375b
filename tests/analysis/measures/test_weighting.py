"""Weighted AUCs, curves and means against scikit-learn, a double sum, and repeated jets."""

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import roc_auc_score, roc_curve

from analysis.measures.dimension_curves import from_grid, summarised
from analysis.measures.tagging import auc, auc_table, passed_at, performance, performance_table, roc
from analysis.measures.weighting import mean_error, mean_over_jets, say_if_cancelled, with_weights

RANDOM = np.random.default_rng(0)
SIGNAL, BACKGROUND = RANDOM.normal(0.7, 1, 311).round(1), RANDOM.normal(0, 1, 207).round(1)  # with ties
POSITIVE = RANDOM.exponential(1e-4, 311), RANDOM.exponential(30, 207)
SIGNED = tuple(np.where(RANDOM.random(len(w)) < 0.22, -w, w) for w in POSITIVE)


def both(first, second):
    return np.concatenate([first, second])


def double_sum(signal, background, weights):
    order = (signal[:, None] > background) + 0.5 * (signal[:, None] == background)
    return weights[0] @ order @ weights[1] / (weights[0].sum() * weights[1].sum())


def test_positive_weights_against_scikit_learn():
    truth, scores, weight = both(np.ones(311), np.zeros(207)), both(SIGNAL, BACKGROUND), both(*POSITIVE)
    expected = roc_auc_score(truth, scores, sample_weight=weight)
    assert auc(SIGNAL, BACKGROUND, weights=POSITIVE).value == pytest.approx(expected, abs=1e-12)
    assert abs(expected - auc(SIGNAL, BACKGROUND).value) > 1e-3
    background, signal, _ = roc_curve(truth, scores, sample_weight=weight, drop_intermediate=False)
    curve = roc(SIGNAL, BACKGROUND, POSITIVE)
    np.testing.assert_allclose(curve.signal, signal, atol=1e-12)
    np.testing.assert_allclose(curve.background, background, atol=1e-12)
    found = performance(SIGNAL, BACKGROUND, weights=POSITIVE)
    assert found["auc"] == auc(SIGNAL, BACKGROUND, weights=POSITIVE)
    assert found["rejection_30"].value == pytest.approx(1 / np.interp(0.3, signal, background))


def test_signed_weights_are_a_double_sum():
    expected = double_sum(SIGNAL, BACKGROUND, SIGNED)
    assert auc(SIGNAL, BACKGROUND, weights=SIGNED).value == pytest.approx(expected, abs=1e-12)
    assert performance(SIGNAL, BACKGROUND, weights=SIGNED)["auc"].value == pytest.approx(expected, abs=1e-12)
    pairs = [np.tile(x, 2) for x in (SIGNAL, BACKGROUND)]
    halves = tuple(np.concatenate([1.5 * w, -0.5 * w]) for w in POSITIVE)  # they cancel to the positive ones
    same = auc(*pairs, weights=halves).value
    assert same == pytest.approx(auc(SIGNAL, BACKGROUND, weights=POSITIVE).value, abs=1e-12)


def test_whole_weights_are_repeated_jets():
    weights = tuple(RANDOM.integers(0, 4, len(w)).astype(float) for w in POSITIVE)
    repeated = [np.repeat(x, w.astype(int)) for x, w in zip((SIGNAL, BACKGROUND), weights, strict=True)]
    mine, theirs = performance(SIGNAL, BACKGROUND, weights=weights), performance(*repeated)
    for name in ("auc", "rejection_30", "rejection_50"):
        assert mine[name].value == pytest.approx(theirs[name].value, rel=1e-12)
    efficiency = np.linspace(0.1, 0.9, 9)
    mine, theirs = roc(SIGNAL, BACKGROUND, weights), roc(*repeated)
    np.testing.assert_allclose(passed_at(mine, efficiency), passed_at(theirs, efficiency))


def test_equal_weights_are_none():
    weights = np.full(311, 3e-5), np.full(207, 7e4)
    mine, theirs = performance(SIGNAL, BACKGROUND, weights=weights), performance(SIGNAL, BACKGROUND)
    for name, estimate in theirs.items():
        assert mine[name] == pytest.approx(estimate, rel=1e-9)


@pytest.mark.parametrize("negative", [0.0, 0.2])
def test_errors_are_the_spread_over_samples(negative):
    """Jets with weights of either sign: bootstrap error against 300 fresh samples, each known to 4 to 5 %."""
    random = np.random.default_rng(3)

    def drawn(n, middle):
        return random.normal(middle, 1, n), random.exponential(1, n) * np.where(random.random(n) < negative, -1, 1)

    def once(repeats):
        (s, w), (b, v) = drawn(500, 0.7), drawn(500, 0)
        return auc(s, b, repeats, weights=(w, v))

    spread = np.std([once(2).value for _ in range(300)])
    errors = [once(100).error for _ in range(8)]
    assert np.mean(errors) == pytest.approx(spread, rel=0.2)


def test_jets_without_a_score_take_their_weight_with_them():
    signal, background = SIGNAL.copy(), BACKGROUND.copy()
    signal[::3], background[::5] = np.nan, np.nan
    kept = ~np.isnan(signal), ~np.isnan(background)
    weights = tuple(w[k] for w, k in zip(SIGNED, kept, strict=True))
    expected = double_sum(signal[kept[0]], background[kept[1]], weights)
    assert auc(signal, background, weights=SIGNED).value == pytest.approx(expected, abs=1e-12)


def test_few_jets_of_signed_weights_keep_finite_errors():
    found = performance(SIGNAL[:60], BACKGROUND[:60], weights=(POSITIVE[0][:60], POSITIVE[1][:60]))
    assert all(estimate.error > 0 for estimate in found.values())


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((np.tile([1.0, -1.0], 156)[:311], POSITIVE[1]), "311 signal sum to 1 ± 18: those of both signs cancel"),
        ((POSITIVE[0], -POSITIVE[1]), "207 others sum to"),
        ((np.zeros(311), POSITIVE[1]), "sum to 0"),
        ((POSITIVE[0][:-1], POSITIVE[1]), "as many finite weights"),
        ((np.full(311, np.nan), POSITIVE[1]), "as many finite weights"),
    ],
)
def test_weights_that_cancel_or_lack_are_refused(weights, words):
    for measure in (auc, performance):
        with pytest.raises(ValueError, match=words):
            measure(SIGNAL, BACKGROUND, weights=weights)
    with pytest.raises(ValueError, match=words):
        roc(SIGNAL, BACKGROUND, weights)


def tree_of(weights=None):
    scores = xr.DataArray([both(SIGNAL, BACKGROUND)], {"score": ["elbo"]}, ("score", "jet"))
    constant = xr.Dataset({"class_name": ("jet", both(np.full(311, "top"), np.full(207, "qcd")))})
    if weights is not None:
        constant["weight"] = ("jet", both(*weights))
    return xr.DataTree.from_dict({"scores": xr.Dataset({"score_value": scores}), "constant_data": constant})


def test_tables_of_a_tree_use_its_weights(capsys):
    assert auc_table(tree_of(SIGNED), "top")["elbo"] == auc(SIGNAL, BACKGROUND, weights=SIGNED)
    assert auc_table(tree_of(), "top")["elbo"] == auc(SIGNAL, BACKGROUND)
    cancelled = np.tile([1.0, -1.0], 156)[:311], POSITIVE[1]
    assert np.isnan(auc_table(tree_of(cancelled), "top")["elbo"]).all()
    assert "note: no AUC: the weights of 311 signal jets sum to 1 ± 18" in capsys.readouterr().err
    say_if_cancelled(tree_of((np.tile([1.0, -1.0], 156)[:311], np.zeros(207))))
    assert "no means over jets: the weights of 518 jets" in capsys.readouterr().err
    say_if_cancelled(tree_of(SIGNED))
    assert capsys.readouterr().err == ""
    values = tree_of()["scores/score_value"].assign_coords(weight=("jet", both(*SIGNED)))
    table = performance_table(values, np.arange(518) < 311)
    assert table["elbo"] == performance(SIGNAL, BACKGROUND, weights=SIGNED)


def test_means_over_jets():
    tree, values, weight = tree_of(SIGNED), xr.DataArray(RANDOM.normal(size=518), dims="jet"), both(*SIGNED)
    mine = with_weights(values, tree)
    mean = weight @ values.values / weight.sum()
    assert float(mean_over_jets(mine)) == pytest.approx(mean)
    assert float(mean_over_jets(with_weights(values, tree_of()))) == float(values.mean("jet"))
    lacking = mine.where(np.arange(518) != 5)
    kept = np.arange(518) != 5
    assert float(mean_over_jets(lacking)) == pytest.approx((weight * values.values)[kept].sum() / weight[kept].sum())
    assert np.isnan(mean_over_jets(with_weights(values, tree_of((-POSITIVE[0], -POSITIVE[1])))))


def test_errors_of_means_are_the_spread_over_samples():
    def once():
        x, w = RANDOM.normal(size=400), RANDOM.exponential(1, 400) * np.where(RANDOM.random(400) < 0.2, -1, 1)
        values = xr.DataArray(x, dims="jet").assign_coords(weight=("jet", w))
        return float(mean_over_jets(values)), float(mean_error(values))

    means, errors = np.array([once() for _ in range(400)]).T
    assert np.mean(errors) == pytest.approx(means.std(), rel=0.15)  # known to 4 %
    values = xr.DataArray(RANDOM.normal(size=30), dims="jet")
    equal = values.assign_coords(weight=("jet", np.full(30, 7.0)))
    assert float(mean_error(equal)) == pytest.approx(float(mean_error(values, ddof=0)))
    assert np.isnan(mean_error(values[:1]))
    assert np.isnan(mean_error(equal[:1]))


def measured(rows, weights=None):
    """Numbers of jets at six resolutions, as an evaluation leaves them; the same for equal numbers of jets."""
    random, beta = np.random.default_rng(5), np.geomspace(0.1, 1, 6)
    kl, lost, *slopes = (random.exponential(1, (6, 9, *shape))[:, rows] for shape in ((2,), (), (), ()))
    of_jets = {"distortion": lost, "kl_slope": slopes[0], "distortion_slope": slopes[1]}
    data = xr.Dataset({name: (("beta", "jet"), values) for name, values in of_jets.items()}, {"beta": beta})
    data["kl"] = (("beta", "jet", "kl_term"), kl)
    data["sigma"] = data["rms"] = ("beta", beta)
    data = data.assign_coords(kl_term=["a", "b"]).assign_attrs(power=2)
    return data if weights is None else data.assign_coords(weight=("jet", weights))


def test_curves_of_weighted_jets_are_those_of_repeated_ones():
    rows, weights = np.arange(9), np.array([2.0, 1, 0, 3, 1, 1, 2, 1, 1])
    mine, theirs = summarised(measured(rows, 7 * weights)), summarised(measured(np.repeat(rows, weights.astype(int))))
    for name in ("kl", "distortion", "distance", "D1", "D2", "rate", "D", "kl_spectrum"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-12)
    assert (mine["kl_error_jets"] > 0).all()
    parts = [measured(rows, weights).isel(beta=[i]) for i in range(6)]
    again = [measured(np.repeat(rows, weights.astype(int))).isel(beta=[i]) for i in range(6)]
    for name in ("kl", "distortion", "kl_spectrum"):
        np.testing.assert_allclose(from_grid(parts)[name], from_grid(again)[name], rtol=1e-12)
    assert np.isnan(summarised(measured(rows, np.tile([1.0, -1, 0], 3)))["kl"]).all()
