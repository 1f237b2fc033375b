"""Held-out ln p(x) for ArviZ: draws against closed forms, comparison against pandas."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis.measures.marginal import elpd, points_of, replicates
from analysis.store import Missing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def tree_of_weights(log_weight):
    """(jet, draws) of log weights."""
    values = np.asarray(log_weight).T[None]
    stats = xr.Dataset({"log_weight": (("chain", "draw", "jet"), values)}, {"jet": np.arange(values.shape[2]) * 3})
    return xr.DataTree.from_dict({"sample_stats": stats})


def scan(evidence, seeds=2):
    """(topology, seed * jet) of ln p(x)."""
    values = np.asarray(evidence).reshape(len(evidence), 1, seeds, -1)
    names = [f"R{i + 1}" for i in range(len(values))]
    dims = ("topology", "beta", "seed", "jet")
    khat = np.full(values.shape, 0.3)
    stats = xr.Dataset({"log_evidence": (dims, values), "khat": (dims, khat)}, {"topology": names})
    return xr.DataTree.from_dict({"sample_stats": stats.assign_coords(beta=[0.1], seed=np.arange(seeds))})


def test_replicates_of_lognormal_weights():
    """ln w ~ N(m, s^2): ln p = m + s^2/2, and the error of the mean of S weights is sqrt((exp(s^2) - 1)/S)."""
    size, s, m = 4000, 0.6, -700.0  # beyond the range of exp
    log_w = np.random.default_rng(0).normal(m, s, (5, size))
    found = replicates(tree_of_weights(log_w), 400)
    assert found.dims == ("chain", "draw", "jet")
    assert list(found["jet"].values) == [0, 3, 6, 9, 12]
    error = np.sqrt(np.expm1(s**2) / size)
    np.testing.assert_allclose(found.mean("draw"), m + s**2 / 2, atol=4 * error)
    np.testing.assert_allclose(found.std("draw"), error, rtol=0.2)


def test_loo_of_the_replicates_is_the_evidence():
    import arviz

    log_w = np.random.default_rng(1).normal(-50, 0.5, (20, 1000))
    values = replicates(tree_of_weights(log_w), 200)
    posterior = xr.Dataset({"R1": (("chain", "draw"), np.zeros((1, 200)))})
    data = arviz.InferenceData(posterior=posterior, log_likelihood=xr.Dataset({"width": values}))
    found = arviz.loo(data, pointwise=True)
    np.testing.assert_allclose(found.loo_i, np.log(np.exp(log_w).mean(1)), atol=0.003)
    assert float(found.pareto_k.max()) < 0.7


@pytest.mark.parametrize("weight", [-np.inf, np.nan])
def test_a_jet_without_weights(weight):
    log_w = np.zeros((2, 100))
    log_w[1] = weight
    found = replicates(tree_of_weights(log_w), 100)
    np.testing.assert_allclose(found.isel(jet=0), 0, atol=1e-12)
    assert not np.isfinite(found.isel(jet=1)).any()


@pytest.mark.parametrize("level", [-50.0, -2000.0])
def test_compare_against_pandas(level):
    """Differences, their errors and the stacking weights, also where p(x) underflows."""
    import arviz

    random = np.random.default_rng(2)
    jets = random.normal(level, 3, 120)
    values = pd.DataFrame({"R1": jets, "R2": jets + random.normal(0.5, 0.4, 120), "R3": jets - 1})
    table = arviz.compare(elpd(scan(values.T.to_numpy())))
    difference = values["R2"] - values["R1"]
    assert table.index.tolist() == ["R2", "R1", "R3"]
    assert table.loc["R1", "elpd_diff"] == pytest.approx(difference.sum())
    assert table.loc["R1", "dse"] == pytest.approx(np.sqrt(120) * difference.std(ddof=0))
    assert np.isfinite(table["weight"]).all()
    assert table.loc["R2", "weight"] > 0.8
    assert not table["warning"].any()


def test_points_that_not_all_have():
    values = np.random.default_rng(3).normal(size=(3, 10))
    values[0, 4], values[2] = np.nan, -np.inf
    found = points_of(scan(values))
    assert list(found["topology"].values) == ["R1", "R2"]
    assert found.sizes["point"] == 9
    assert found.attrs["left_out"] == 1
    values[1] = np.nan
    with pytest.raises(Missing, match="nothing to compare"):
        elpd(scan(values))
