"""The terms of the KL add up, and are those of Normal posteriors where these are known in closed form."""

import numpy as np
import pytest
import xarray as xr

from analysis.report.kl_terms import TOTAL, kl_table, kl_terms, sums_up

RHO, SHIFT = 0.9, 0.7
ONE = -np.log(1 - RHO**2) / 2
"""I(x; z) of one coordinate of correlation RHO with the jet [nat]."""
BOTH = np.log1p(2 * RHO**2 / (1 - RHO**2)) / 2
"""Of two that see the same with independent noise."""


@pytest.fixture
def tree():
    """Jets are numbers x; z_0 and z_1 = RHO x + noise, z_1 shifted, so that its prior fits by SHIFT^2/2 worse."""
    random = np.random.default_rng(0)
    x = random.normal(size=1500)
    centre = RHO * x[:, None] + np.array([0, SHIFT])
    width = np.sqrt(1 - RHO**2)
    z = centre + width * random.normal(size=centre.shape)
    log_q = -(((z[:, None] - centre[None]) / width) ** 2) / 2 - np.log(width * np.sqrt(2 * np.pi))
    kl = (centre**2 + width**2 - 1) / 2 - np.log(width)
    terms, jets = ["z_0", "z_1"], np.arange(1500)
    pairs = xr.Dataset({"log_q": (("drawn", "given", "kl_term"), log_q)}, {"kl_term": terms, "drawn": jets})
    table = xr.Dataset({"kl": (("jet", "kl_term"), kl)}, {"kl_term": terms, "jet": jets})
    return xr.DataTree.from_dict({"pairs": pairs, "information": table})


def test_terms_of_normal_posteriors(tree):
    found = kl_terms(tree)
    assert found["information"].sel(term="z_0") == pytest.approx(ONE, abs=0.05)
    assert found["information"].sel(term=TOTAL) == pytest.approx(BOTH, abs=0.05)
    assert float(found["total_correlation"]) == pytest.approx(2 * ONE - BOTH, abs=0.08)
    assert found["mismatch"].sel(term="z_0") == pytest.approx(0, abs=0.05)
    assert found["mismatch"].sel(term="z_1") == pytest.approx(SHIFT**2 / 2, abs=0.06)
    exact = [ONE, ONE, BOTH]
    assert (np.abs(found["information"] - exact) < found["half_width"]).all()


def test_they_add_up(tree):
    found = kl_terms(tree)
    kl, told, mismatch = (float(found[name].sel(term=TOTAL)) for name in ("kl", "information", "mismatch"))
    assert told + float(found["total_correlation"]) + mismatch == pytest.approx(kl, rel=1e-12)
    assert kl == pytest.approx(float(tree["information/kl"].mean("jet").sum()), rel=1e-12)
    one = found.isel(term=0)
    assert float(one["information"] + one["mismatch"]) == pytest.approx(float(one["kl"]), rel=1e-12)
    assert sums_up(found).endswith(f"= {kl:.2f} nat.")
    table = kl_table(found)
    assert [row[0] for row in table.rows] == ["z_0", "z_1", TOTAL]
    assert all("[nat]" in head for head in table.head[1:])
    assert table.rows[2][3] == f"{float(found['total_correlation']):.2f}"


def test_a_term_below_zero_has_a_minus(tree):
    found = kl_terms(tree)
    found["total_correlation"] = -abs(found["total_correlation"])
    assert "(information) - " in sums_up(found)
    assert "+ -" not in sums_up(found)
