"""Estimators of dimension on points whose dimension is exact; D2 is read where it is flat; rows are kept."""

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import cdist

from benchmarks import dimension_estimators as estimators
from benchmarks import dimension_peers as peers
from benchmarks.dimension_jets import of_distances
from benchmarks.dimension_points import MANIFOLDS, NOISY, points, spread

skdim = pytest.mark.skipif(find_spec("skdim") is None, reason="scikit-dimension is missing")


@pytest.mark.parametrize("name", list(MANIFOLDS | NOISY))
def test_points_lie_on_something_of_their_dimension(name):
    """The tangent space: singular values of the nearest of many points to one, beyond the true number hardly any."""
    known, x = (MANIFOLDS | NOISY)[name], points(name, 40_000, 1)
    assert x.shape == (40_000, x.shape[1])
    assert np.isfinite(x).all()
    assert np.array_equal(x[:10], points(name, 40_000, 1)[:10])
    if known.dimension > 3:
        assert np.linalg.matrix_rank(x - x.mean(0)) >= known.dimension
        return
    shares = []
    for row in range(20):
        near = x[np.argsort(((x - x[row]) ** 2).sum(1))[:30]]
        size = np.linalg.svd(near - near.mean(0), compute_uv=False) ** 2
        shares.append(size[: known.dimension].sum() / size.sum())
    assert np.median(shares) > 0.98
    assert known.dimension == 1 or size[known.dimension - 1] / size.sum() > 0.02


def test_noise_is_of_the_size_that_it_is_said_to_be():
    exact, noisy = points("ball 3 of 8", 20_000, 0), points("ball 3 of 8", 20_000, 0, noise=0.1)
    assert noisy[:, 5:].std() == pytest.approx(0.1 * spread(exact), rel=0.02)
    sigma = peers.sigma_in_spreads(0.1) * spread(noisy)
    assert sigma == pytest.approx(0.1 * spread(exact), rel=0.01)


@skdim
@pytest.mark.parametrize("estimator", ["TwoNN", "MLE", "DANCo", "lPCA", "correlation"])
def test_a_flat_plane_has_two_dimensions(estimator):
    x = np.random.default_rng(3).uniform(size=(800, 2)) @ np.random.default_rng(4).normal(size=(2, 5))
    assert estimators.ESTIMATORS[estimator](x, 0).value == pytest.approx(2, abs=0.25)


@skdim
def test_distances_alone_say_as_much():
    x = np.random.default_rng(5).uniform(size=(600, 2))
    found = [float(text.split()[1]) for text in of_distances(cdist(x, x))]
    assert found == pytest.approx([2, 2, 2], abs=0.3)
    assert found[1] == pytest.approx(estimators.mle(x, 0).value, abs=0.01)


def curves(d2, d1=None):
    beta = np.geomspace(1 / 60, 2, len(d2))
    return xr.Dataset({"D2": ("beta", d2), "D1": ("beta", d2 if d1 is None else d1)}, {"beta": beta})


def test_d2_is_read_where_it_is_flat_and_agrees_and_nowhere_else():
    """Flat at 3.5 where D1 differs by a fifth, at 3 where it agrees, at 1 above a quarter of the spread."""
    d2 = np.array([3.5] * 5 + [3.3, 3.1, 3.0, 3.0, 3.01, 3.0, 3.0, 2.0] + [1.0] * 12)
    d1 = np.where(d2 == 3.5, 1.2 * d2, d2)
    assert estimators.plateau(curves(d2, d1)) == pytest.approx(3.0, abs=0.01)
    assert estimators.plateau(curves(d2)) == 3.5
    assert np.isnan(estimators.plateau(curves(d2, 1.2 * d2)))


def test_noisy_points_are_read_above_and_below_the_noise():
    beta = np.geomspace(1 / 60, 2, 25)
    sigma = peers.sigma_in_spreads(0.1)
    row = {"noise": 0.1, "spread": 7.0, "curve": {"beta": beta.tolist(), "D2": np.where(beta > sigma, 1, 3).tolist()}}
    assert (peers.at(row, 3), peers.at(row, 1 / 3)) == (1, 3)
    row["curve"] = {"scale": (7 * beta).tolist(), "dimension": row["curve"]["D2"]}
    assert (peers.at(row, 6), peers.at(row, 0.5)) == (1, 3)
    assert np.isnan(peers.at(row, 0.01))


@skdim
def test_it_resumes_and_reports(tmp_path, capsys, monkeypatch):
    """A torn last row is measured anew, the others are not; the smallest training of all takes part."""
    monkeypatch.setattr(estimators, "STEPS", 4)
    monkeypatch.setattr(estimators, "COMPILED", False)
    monkeypatch.setattr(peers, "MANIFOLDS", {"curve": MANIFOLDS["curve"]})
    out = tmp_path / "rows.jsonl"
    words = ["--points", "200", "--out", str(out), "--estimators", "TwoNN", "correlation", "D2"]
    peers.main(words)
    rows = peers.kept(out)
    assert [row["estimator"] for row in rows] == ["TwoNN", "correlation", "D2"]
    assert len(rows[-1]["curve"]["D2"]) == 25
    out.write_text(out.read_text()[:-20])
    monkeypatch.setitem(estimators.ESTIMATORS, "TwoNN", None)
    peers.main(words)
    assert len(peers.kept(out)) == 3
    right = [int(row["value"] is not None and 0.9 <= row["value"] <= 1.1) for row in rows]
    assert f"| within 10% | {' | '.join(f'{each} of 1' for each in right)} |" in capsys.readouterr().out
    assert 0 < sum(right) < 3
    picture = tmp_path / "noise.png"
    noisy = [json.loads(json.dumps(row)) | {"noise": 0.1} for row in rows]
    out.write_text("".join(json.dumps(row) + "\n" for row in noisy))
    peers.main(["--report", "--out", str(out), "--picture", str(picture)])
    assert "curve, dimension 1, noise 0.1 of the spread, 200 points:" in capsys.readouterr().out
    assert picture.stat().st_size > 1000


def test_what_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "skdim", None)
    with pytest.raises(SystemExit, match=r"scikit-dimension is missing; pip install '.\[peers\]'"):
        estimators.peers()
