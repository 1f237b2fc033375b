"""Latent coordinates as variables of ArviZ, and back; angles against scipy's circular mean."""

import numpy as np
import pyro
import pytest
import xarray as xr
from scipy import stats

from analysis.measures.variables import coordinates, of_each_jet, variables, with_pseudo_prior
from inference.labels import coordinate_labels
from priors import parse

SPACES = ["R2 x S1", "R1 | R2 x S1", "C3 x R1 x D3", "T2 x S2", "H2", "R2 x R2", "C2(posterior=relaxed) x R1"]


def drawn(text, shape=(2, 40, 3), seed=0):
    space = parse(text)
    pyro.set_rng_seed(seed)
    with pyro.plate("draws", int(np.prod(shape))):
        z = space.coordinates(space.sample_prior()).detach().numpy().reshape(*shape, -1)
    coords = coordinate_labels(space) | {
        "chain": range(shape[0]),
        "draw": range(shape[1]),
        "jet": [3, 7, 9][: shape[2]],
    }
    return xr.DataArray(z, coords, ("chain", "draw", "jet", "coordinate"), "z")


@pytest.mark.parametrize("text", SPACES)
def test_round_trip(text):
    z = drawn(text)
    found = variables(z)
    again = coordinates(found)
    np.testing.assert_allclose(again, z, atol=1e-6)
    for label in ("coordinate", "factor", "kind", "unit", "jet"):
        assert list(again[label].values) == list(z[label].values)
    assert all(values.dims[:3] == ("chain", "draw", "jet") for values in found.values())


def test_of_a_file(tmp_path):
    """Units, and names of a single coordinate, after NetCDF."""
    z = drawn("R1 | R2 x S1")
    variables(z).to_netcdf(tmp_path / "z.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "z.nc", engine="h5netcdf") as found:
        assert found["M2_S1"].attrs["units"] == "rad"
        np.testing.assert_allclose(coordinates(found), z, atol=1e-6)


def test_angles_stay_in_one_piece():
    """About pi a narrow posterior is cut in two in (-pi, pi]; here its mean is the circular one and its width 0.1."""
    z = drawn("S1", (4, 500, 1))
    angle = np.random.default_rng(0).normal(np.pi, 0.1, z.shape)
    z = z.copy(data=np.angle(np.exp(1j * angle)))
    assert z.std() > 3
    found = variables(z)["S1"]
    assert float(found.std()) == pytest.approx(0.1, rel=0.05)
    mean = stats.circmean(z.values, high=np.pi, low=-np.pi)
    assert np.cos(float(found.mean()) - mean) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("component", "kind"), [([0, 1], "i"), ([1, 1], "f")])
def test_numbers_of_categories(component, kind):
    """Constant whole numbers break ranks and histograms of ArviZ: then they are real."""
    z = drawn("C2", (1, 2, 1))
    found = variables(z.copy(data=np.eye(2, dtype=np.float32)[component].reshape(z.shape)))["C2"]
    assert found.dtype.kind == kind
    assert found.values.ravel().tolist() == component


def test_the_prior_of_each_jet():
    """Rows stay together; each jet has all of them, in another order."""
    prior = drawn("R1 x S1", (2, 50, 1)).isel(jet=0, drop=True)
    found = of_each_jet(prior, xr.DataArray([4, 5], dims="jet"), 100, seed=1)
    rows = {tuple(row) for row in prior.values.reshape(-1, 2)}
    for jet in (0, 1):
        assert {tuple(row) for row in found.values[0, :, jet]} == rows
    assert (found.values[0, :, 0] != found.values[0, :, 1]).any()
    assert of_each_jet(prior, xr.DataArray([4], dims="jet"), 300, seed=1).sizes["draw"] == 300


def test_pseudo_prior():
    """Only where a draw is on another manifold; the input is left as it is."""
    z = drawn("R1 | R2", (1, 60, 2))
    before, prior = z.values.copy(), xr.full_like(z, 9.0)
    found = with_pseudo_prior(z, prior, {"M2_R1": ("M2", 0), "M2_R2": ("M2", 1)}).values
    first = before[..., 0] == 1
    assert 0 < first.sum() < first.size
    assert (found[first][:, 3:] == 9).all()
    assert (found[~first][:, 2] == 9).all()
    np.testing.assert_array_equal(found[first][:, :3], before[first][:, :3])
    np.testing.assert_array_equal(z.values, before)
