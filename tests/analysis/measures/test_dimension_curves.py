"""Curves against resolution and their errors: bootstrap, sizes, grids against their own curve."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.dimension_curves import all_in_use, bootstrap_weights, checked, from_grid, sizes

SIZES = np.array([4.0, 1.0, 0.25])


def test_bootstrap_is_the_standard_error():
    values = np.random.default_rng(0).normal(size=500)
    spread = (bootstrap_weights(500, 1) @ values).std(ddof=1)
    assert spread == pytest.approx(values.std() / np.sqrt(500), rel=0.2)  # 200 resamplings: 5 %


def test_sizes_are_standard_deviations():
    beta = np.geomspace(0.05, 8, 25)
    kl = np.maximum(0, np.log(SIZES / beta[:, None]))
    found = sizes(xr.Dataset({"kl_spectrum": (("beta", "kl_term"), kl)}, {"beta": beta, "kl_term": list("abc")}))
    np.testing.assert_allclose(found, SIZES, rtol=1e-6)


def grid(count=14, noise=0.02):
    """Trainings of a two-dimensional Gaussian of size 4: KL = 2 ln(4/beta), each with an error of its own."""
    random, parts = np.random.default_rng(0), []
    for beta in np.geomspace(0.1, 2, count):
        kl = 2 * np.log(4 / beta) + noise * random.normal() + 0.1 * random.normal(size=(1, 400, 1))
        distortion = 2 * beta**2 * (1 + noise * random.normal() + 0.1 * random.normal(size=(1, 400)))
        variables = {"kl": (("beta", "jet", "kl_term"), kl), "distortion": (("beta", "jet"), distortion)}
        variables |= {name: (("beta", "coordinate"), np.ones((1, 1))) for name in ("sigma", "rms")}
        parts.append(xr.Dataset(variables, {"beta": [beta], "kl_term": ["a"], "coordinate": ["a"]}, {"power": 2}))
    return parts


def test_grid_of_runs():
    curves = from_grid(grid())
    # d^2 = 2 beta^2 (1 + e), e of width 0.1 in a training and 0.02 among them: <d> = sqrt(2) beta (1 - 0.1^2 / 8)
    np.testing.assert_allclose(curves["distance"] / curves["beta"], np.sqrt(2) * (1 - 0.01 / 8), rtol=0.04)
    assert curves["D2"].values == pytest.approx(2, abs=0.15)
    assert curves["D1"].values == pytest.approx(2, abs=0.3)


def test_what_contradicts_itself_is_said():
    curves = xr.Dataset({"D1": ("beta", [1.0, 1.2, 0.02]), "D2": ("beta", [1.05, 1.0, 0.0])}, {"beta": [1, 2, 3]})
    assert checked(curves)["consistent"].values.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("kl", "chooses", "expected"),
    [
        ([[2.0, 0.3], [1.0, 0.0]], [False, False], [True, False]),
        ([[2.0, 0.3], [1.0, 0.0]], [False, True], [True, True]),
        ([[0.6, 0.5], [0.6, 0.0]], [True, True], [False, False]),
    ],
)
def test_dimension_is_bounded_where_all_latents_are_in_use(kl, chooses, expected):
    """A category is no dimension; with nothing but categories nothing is bounded."""
    spectrum = xr.DataArray(kl, {"beta": [0.1, 1.0], "chooses": ("kl_term", chooses)}, ("beta", "kl_term"))
    assert all_in_use(spectrum).values.tolist() == expected
