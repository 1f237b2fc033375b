"""What a probe changes, of numbers made by hand."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.dimension_curves import combined, summarised
from analysis.measures.probing import changes, objective, with_changes

BETAS = np.geomspace(0.1, 1, 6)


def measured(shift=0.0, weight=None, slope=-1.5):
    """What is measured of 40 jets: KL -1.5 ln beta plus noise of the jets plus a shift, distortion 1.5 beta^2."""
    noise = np.random.default_rng(0).normal(size=(1, 40))
    kl = slope * np.log(BETAS)[:, None] + noise + shift * np.linspace(0, 1, 6)[:, None]
    distortion = np.repeat(1.5 * BETAS[:, None] ** 2, 40, 1)
    own = ("beta", "jet")
    variables = {
        "kl": (("beta", "jet", "kl_term"), kl[..., None]),
        "distortion": (own, distortion),
        "kl_slope": (own, np.full((6, 40), slope)),
        "distortion_slope": (own, 2 * distortion),
        "sigma": (("beta", "coordinate"), np.ones((6, 1))),
        "rms": (("beta", "coordinate"), np.ones((6, 1))),
    }
    found = xr.Dataset(variables, {"beta": BETAS, "kl_term": ["R1_0"], "coordinate": ["R1_0"]}, {"power": 2})
    return found if weight is None else found.assign_coords(weight=("jet", weight))


def test_the_objective():
    """KL + <d^2> / 2 beta^2, and with the mean distance KL + <d> / beta."""
    found = measured()
    np.testing.assert_allclose(objective(found), found["kl"].sum("kl_term") + 0.75)
    found.attrs["power"] = 1
    np.testing.assert_allclose(objective(found), found["kl"].sum("kl_term") + 1.5 * found["beta"])


def test_what_is_gained_of_the_same_jets_has_no_error_of_theirs():
    found = changes(measured(), measured(shift=-0.5))
    np.testing.assert_allclose(found["gain"], 0.5 * np.linspace(0, 1, 6))
    np.testing.assert_allclose(found["gain_error"], 0, atol=1e-12)
    np.testing.assert_allclose(found["kl_change"], -found["gain"])
    np.testing.assert_allclose(found["D1_change"], 0, atol=1e-12)


def test_weights_count():
    weight = np.arange(40) % 2 + 0.5
    before, after = measured(weight=weight), measured(weight=weight)
    after["kl"] = after["kl"] - xr.DataArray(np.arange(40) % 2, dims="jet")
    np.testing.assert_allclose(changes(before, after)["gain"], 1.5 / 2)


def test_errors_and_converged():
    """A training that gains nothing keeps its errors; one that gains has larger ones, and has not converged there."""
    parts = [measured(), measured(shift=0.01)]
    curves = combined([summarised(part) for part in parts])
    assert curves["consistent"].all()
    same = with_changes(curves, [changes(part, part) for part in parts])
    np.testing.assert_allclose(same["D2_error"], curves["D2_error"])
    assert same["converged"].all()
    moved = with_changes(curves, [changes(part, measured(shift=-0.5, slope=-1.8)) for part in parts])
    assert (moved["D2_error"] >= 0.3 - 1e-9).all()
    np.testing.assert_allclose(moved["D2_change"], 0.3)
    gained = objective(parts[0]).mean("jet") - objective(measured(shift=-0.5, slope=-1.8)).mean("jet")
    assert moved["gain"].values == pytest.approx(gained.values, abs=0.011)
    assert not moved["converged"].any(), "D is uncertain by 0.6"
    nothing = changes(parts[0], parts[0])
    gains = nothing.assign(gain=xr.zeros_like(nothing["gain"]) + np.array([0.5, 0.3, 0, 0, 0.01, 0.01]))
    found = with_changes(curves, [gains, gains])["converged"]
    assert found.values.tolist() == [False, False, True, True, True, True]
