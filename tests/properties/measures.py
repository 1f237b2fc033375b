"""Numbers about jets: as sklearn, a direct count or a closed form have them, or NaN; never a number for nothing."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from analysis.measures.bimodality import bimodality
from analysis.measures.correlation import rank_correlation
from analysis.measures.correlation_dimension import correlation_dimension, takens_dimension
from analysis.measures.information import information_bounds, interval
from analysis.measures.tagging import auc, performance, roc
from analysis.measures.topology import ORDER, describe, rank
from analysis.measures.trust import evidence, khat
from analysis.measures.typicality import Bulk
from analysis.store import Missing

from .cases import REFUSED, RIGHT, Entries, Random, attempt, pick, refusal

entries = Entries()


def scores(random: Random, least: int = 0) -> np.ndarray:
    """Draw scores: few or many, tied, huge, tiny, infinite or missing."""
    values = random.normal(size=int(random.integers(least, pick(random, (4, 30, 250)))))
    kind = int(random.integers(7))
    if kind == 0:
        values = np.round(values)
    if kind == 1:
        values = values * pick(random, (1e300, 1e-300, 0.0))
    if kind >= 5 and len(values):
        values[random.random(len(values)) < 0.3] = pick(random, (np.nan, np.nan, np.inf, -np.inf))
    return values.astype(pick(random, (np.float64, np.float64, np.float32, ">f8")))


@entries(900)
def areas(random: Random) -> str:
    """AUC as sklearn has it, of the jets that have a score; NaN without, and an error between 0 and 1."""
    with np.errstate(over="ignore", under="ignore"):
        signal, background = scores(random), scores(random)
    found = attempt(auc, signal, background, repeats=20, also=(ValueError,))
    if isinstance(found, Exception):
        assert not (len(signal) and len(background))
        return refusal(found, "both classes")
    one, other = (x[~np.isnan(x)].astype(float).clip(-1e308, 1e308) for x in (signal, background))
    if not (len(one) and len(other)):
        assert np.isnan(found.value)
        assert np.isnan(found.error)
        return REFUSED
    truth = np.r_[np.ones(len(one)), np.zeros(len(other))]
    ranks = np.unique(np.r_[one, other], return_inverse=True)[1]
    assert math.isclose(found.value, roc_auc_score(truth, ranks), abs_tol=1e-9)
    assert 0 < found.error < 1
    mirrored = auc(-signal, -background, repeats=20).value
    assert math.isclose(found.value + mirrored, 1, abs_tol=1e-9)
    return RIGHT


@entries(500)
def performances(random: Random) -> str:
    """Rejections and significance improvement as counted; a ROC curve from 0 to 1 that never falls."""
    with np.errstate(over="ignore", under="ignore"):
        signal, background = scores(random, 1), scores(random, 1)
    found = performance(signal, background, repeats=20)
    area = found["auc"].value
    if np.isnan(area):
        assert all(np.isnan(estimate.value) for estimate in found.values())
        return REFUSED
    known = [x[~np.isnan(x)] for x in (signal, background)]
    curve = roc(signal, background)
    for side in curve:
        assert side[0] == 0
        assert math.isclose(side[-1], 1)
        assert (np.diff(side) >= 0).all()
    for share in (0.3, 0.5):
        estimate = found[f"rejection_{100 * share:.0f}"]
        cut = np.interp(share, curve.signal, curve.background)
        assert math.isclose(estimate.value, 1 / max(cut, 1 / len(known[1])), rel_tol=1e-6)
        assert 1 - 1e-9 <= estimate.value <= len(known[1]) + 1e-9
        assert estimate.error > 0 or estimate.value == 1, estimate
    gain = found["improvement"]
    assert np.isnan(gain.value) == (len(known[1]) < 10)
    assert np.isnan(gain.value) or gain.value >= 1 - 1e-9
    return RIGHT


@entries(900)
def tails(random: Random) -> str:
    """k-hat moves with neither order nor size of the weights; it is infinite where they are none, and evidence too."""
    draws = int(pick(random, (5, 99, 100, 101, 300, 1000)))
    width = pick(random, (0.0, 1e-8, 0.3, 1.0, 3.0, 50.0, 500.0, 1e5))
    log_w = width * random.normal(size=draws) + pick(random, (0.0, 1e4, -1e4))
    kind = pick(random, ("as drawn", "as drawn", "rounded", "zeros", "NaN", "infinite", "all zero", "one alone"))
    change = {
        "rounded": lambda: np.round(log_w),
        "zeros": lambda: np.where(random.random(draws) < 0.5, -np.inf, log_w),
        "NaN": lambda: np.where(np.arange(draws) == 3, np.nan, log_w),
        "infinite": lambda: np.where(np.arange(draws) == 3, np.inf, log_w),
        "all zero": lambda: np.full(draws, -np.inf),
        "one alone": lambda: np.where(np.arange(draws) == 3, log_w + 1000, log_w),
    }
    log_w = change.get(kind, lambda: log_w)()
    k = float(khat(log_w[None])[0])
    if draws < 100:
        assert np.isnan(k)
        return REFUSED
    assert not np.isnan(k), kind
    moved = float(khat(random.permutation(log_w)[None] + 7.0)[0])
    assert k == moved or math.isclose(k, moved, rel_tol=1e-3, abs_tol=1e-3), f"{k} {moved} {kind} {width}"
    if kind in ("NaN", "infinite", "all zero"):
        assert k == np.inf
        return REFUSED
    if kind in ("one alone",) or (width >= 50 and kind == "as drawn"):
        assert k > 0.7, f"{k} for sd {width}, {kind}"
    with np.errstate(invalid="ignore"):
        value, error = evidence(log_w[None])
    assert math.isclose(float(value[0]), float(logsumexp(log_w)) - math.log(draws), rel_tol=1e-12, abs_tol=1e-12)
    assert float(error[0]) >= 0
    return RIGHT


@entries(500)
def informations(random: Random) -> str:
    """Bounds on mutual information, two errors wider, hold that of Gaussian channels; of few pairs they say nothing."""
    count, terms = int(pick(random, (1, 2, 3, 40, 120))), int(random.integers(1, 3))
    noise = 10.0 ** random.uniform(-0.5, 2)
    centre = random.normal(size=(count, terms))
    z = centre + noise * random.normal(size=(count, terms))
    log_q = -0.5 * ((z[:, None] - centre[None]) / noise) ** 2 - math.log(noise) - 0.5 * math.log(2 * math.pi)
    pairs = xr.Dataset({"log_q": (("drawn", "given", "kl_term"), log_q)}, {"kl_term": [f"z{i}" for i in range(terms)]})
    found = information_bounds(pairs.assign_coords(drawn=np.arange(count), given=np.arange(count)))
    low, high = interval(found, "mutual_information")
    if count < 3:
        assert not np.isfinite([low, high]).all()
        return REFUSED
    truth = terms / 2 * math.log1p(1 / noise**2)
    assert 0 <= low <= high
    spread = float(found["mutual_information_error"].sel(term="total").max())
    assert low - 4 * spread - 0.02 <= truth <= high + 4 * spread + 0.02 or count < 40, f"{low} to {high}, {truth}"
    assert float(found["mutual_information"].sel(bound="lower", term="total")) <= math.log(count) + 1e-9
    return RIGHT


@entries(400)
def dimensions(random: Random) -> str:
    """The correlation dimension of a matrix does not depend on its unit or order; what is no matrix is refused."""
    count, d = int(pick(random, (1, 2, 3, 20, 60))), int(random.integers(1, 4))
    points = random.normal(size=(count, d))
    matrix = np.linalg.norm(points[:, None] - points[None], axis=-1)
    kind = pick(random, ("sound", "sound", "alike", "NaN", "not square", "scales"))
    scales = np.geomspace(0.1, 3, 5)
    if kind == "alike":
        matrix[:] = 0
    if kind == "NaN":
        matrix[0, -1] = matrix[-1, 0] = np.nan
    if kind == "not square":
        matrix = matrix[:, :-1]
    if kind == "scales":
        scales = pick(random, ([1.0], [0.0, 1.0], [2.0, 1.0], [np.nan, 1.0], [1.0, np.inf], [], [[1.0, 2.0]]))
    found = attempt(correlation_dimension, matrix, scales, bootstrap=5, also=(ValueError,))
    if isinstance(found, Exception):
        assert kind in ("NaN", "not square", "scales") or count < 2, f"{found} {kind} {count}"
        return refusal(found)
    assert kind not in ("scales", "NaN"), kind
    assert count > 1
    order = random.permutation(count)
    other = correlation_dimension(3 * matrix[np.ix_(order, order)], 3 * scales, bootstrap=5)
    np.testing.assert_allclose(found.dimension, other.dimension, rtol=1e-6)
    np.testing.assert_allclose(found.fraction, other.fraction, rtol=1e-6)
    assert not (np.isnan(found.dimension) ^ np.isnan(found.error)).any()
    assert np.isnan(takens_dimension(matrix)[0]) == (kind == "alike" or count < 3)
    return RIGHT


@entries(500)
def rankings(random: Random) -> str:
    """The best topology has the largest mean; nothing is chosen of candidates that lack evidence."""
    names = [str(name) for name in random.permutation(ORDER)[: int(random.integers(1, 5))]]
    shape = len(names), 1, int(random.integers(1, 4)), int(pick(random, (1, 2, 30)))
    values = random.normal(size=shape) + random.normal(0, pick(random, (0, 1, 10)), (len(names), 1, 1, 1))
    kind = pick(random, ("sound", "sound", "NaN", "-inf", "all NaN", "one lacks all"))
    if kind in ("NaN", "-inf"):
        values[0, 0, 0, 0] = np.nan if kind == "NaN" else -np.inf
    if kind == "all NaN":
        values[:] = np.nan
    if kind == "one lacks all":
        values[0] = np.nan
    dims = "topology", "beta", "seed", "jet"
    coordinates = {"topology": names, "beta": [0.1], "seed": np.arange(shape[2]), "jet": np.arange(shape[3])}
    k = np.full(shape, pick(random, (0.3, 0.9)))
    stats = xr.Dataset({"log_evidence": (dims, values), "elbo": (dims, values), "khat": (dims, k)}, coordinates)
    tree = xr.DataTree.from_dict({"sample_stats": stats})
    beta = pick(random, (None, None, 0.1, 0.2))
    found = attempt(rank, tree, beta)
    if isinstance(found, Exception):
        assert isinstance(found, Missing), found
        assert beta == 0.2 or not np.isfinite(values).any(), found
        return refusal(found)
    lines = describe(found)
    assert all("\n" not in line for line in lines)
    chosen, first = found.attrs["chosen"], found.attrs["first"]
    assert chosen in ("", first)
    lacking = np.isfinite(values).any(0, keepdims=True) & ~np.isfinite(values)
    complete = [name for name, bad in zip(names, lacking, strict=True) if not bad.any()]
    if kind == "sound":
        means = dict(zip(names, values.mean((1, 2, 3)), strict=True))
        assert found.attrs["best"] == max(means, key=means.__getitem__)
        assert found["topology"].values[0] == found.attrs["best"]
    assert not chosen or chosen in complete
    assert not chosen or (shape[2] > 1 and k.flat[0] < 0.7)
    assert math.isclose(float(found["weight"].sum()), 1, abs_tol=1e-6) or not complete
    return RIGHT if chosen or found.attrs["lacking"] else REFUSED


@entries(500)
def statistics_of_samples(random: Random) -> str:
    """Rank correlation as scipy has it, the share that must move, and distances from a bulk; NaN of too few."""
    count = int(pick(random, (1, 2, 3, 19, 80)))
    x, y = random.normal(size=(2, count)) * pick(random, (1, 1e-200, 1e150))
    if random.random() < 0.3:
        x[:] = 1.0
    if count > 1 and x.std():
        assert math.isclose(rank_correlation(x, y), spearmanr(x, y).statistic, abs_tol=1e-9)
    share = attempt(bimodality, x, also=(ValueError,))
    assert isinstance(share, Exception) or 0 <= share < 1
    vectors = random.normal(size=(count, 2))
    if random.random() < 0.3:
        vectors[0] = np.nan
    if random.random() < 0.3:
        vectors[:, 1] = vectors[:, 0]
    known = int(np.isfinite(vectors).all(1).sum())
    distance = Bulk.of(vectors).distance(vectors)
    assert len(distance) == count
    if known < 40:
        assert np.isnan(distance).all()
        return REFUSED
    assert (distance[np.isfinite(vectors).all(1)] >= -1e-9).all()
    return RIGHT
