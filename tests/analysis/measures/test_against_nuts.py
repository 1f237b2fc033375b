"""The guide against NUTS, on samples that are known."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.measures.against_nuts import against_nuts, distances


def test_distances_of_normals():
    """W1 of N(0, 1) and N(a, 1) is a; of N(0, 1) and N(0, s) it is (s - 1) sqrt(2/pi)."""
    z = stats.norm.ppf((np.arange(20000) + 0.5) / 20000)
    assert distances(z, z + 0.3) == pytest.approx((0.3, 0.3, 1.0), abs=1e-4)
    assert distances(z, 2 * z)[1] == pytest.approx(np.sqrt(2 / np.pi), abs=1e-3)
    assert distances(0.1 * z + 3.1, 0.1 * z + 3.1 - 2 * np.pi, angle=True) == pytest.approx((0, 0, 1), abs=1e-6)


def test_comparison_of_known_samples():
    random = np.random.default_rng(0)
    names = {"coordinate": ["R1_0", "S1_0"], "kind": ("coordinate", ["real", "angle"]), "jet": [3, 5]}
    dims = ("chain", "draw", "jet", "coordinate")
    nuts = 0.2 * random.normal(size=(4, 500, 2, 2)) + [0.0, np.pi]
    guide = 0.2 * random.normal(size=(1, 2000, 2, 2)) + [0.1, np.pi]
    groups = {"posterior_nuts": np.angle(np.exp(1j * nuts)), "posterior_guide": np.angle(np.exp(1j * guide))}
    tree = xr.DataTree.from_dict({name: xr.Dataset({"z": (dims, z)}, names) for name, z in groups.items()})
    result = against_nuts(tree)
    np.testing.assert_allclose(result["shift"].sel(coordinate="R1_0"), 0.5, atol=0.15)
    np.testing.assert_allclose(result["shift"].sel(coordinate="S1_0"), 0.0, atol=0.15)
    np.testing.assert_allclose(result["sd_ratio"], 1, atol=0.1)
    assert float(result["rhat"].max()) < 1.02
    assert float(result["ess"].min()) > 1000
