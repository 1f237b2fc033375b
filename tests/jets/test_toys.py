"""Toys against closed forms: volume by nearest neighbours, dimension by pair counts, spectra by moments."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist, squareform
from scipy.special import digamma

from analysis.measures.correlation_dimension import takens_dimension
from jets import JetFileError, load
from jets.toys import TOYS, curve_and_plane, gaussian_optimum, parse

SINGLE = [name for name in TOYS if name not in ("curve_and_plane", "gaussian", "annulus")]
SINGLE += ["gaussian(spectrum=2,1)", "annulus(inner=0.5)"]


def neighbour_entropy(points, dimension):
    """Kozachenko and Leonenko's estimate of a differential entropy [nat] from distances to the 3rd neighbour."""
    n, k = len(points), 3
    distance = cKDTree(points).query(points, k + 1)[0][:, k]
    ball = dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2 + 1)
    return digamma(n) - digamma(k) + ball + dimension * np.log(distance).mean()


@pytest.mark.parametrize("name", SINGLE)
def test_dimension_and_entropy(name):
    """Both estimators have an edge bias of order N^(-1/d): 0.1 at 20,000 points."""
    toy = parse(name)
    assert takens_dimension(squareform(pdist(toy.points[:2000])))[0] == pytest.approx(toy.dimension, abs=0.12)
    assert neighbour_entropy(toy.points, toy.dimension) == pytest.approx(toy.entropy, abs=0.1)
    assert all(len(values) == len(toy.points) for values in toy.truth.values())


def test_mixture_is_its_parts():
    toy = curve_and_plane(n=1000)
    assert toy.dimension == 1.5
    assert toy.classes == ("curve", "plane")
    parts = parse("curve").entropy, parse("plane").entropy
    assert toy.entropy == pytest.approx(sum(parts) / 2 + math.log(2))


def test_gaussian_has_its_spectrum_along_its_axes():
    toy = parse("gaussian(spectrum=8,3,0.5, n=20000, seed=3)")
    np.testing.assert_allclose(toy.axes @ toy.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose((toy.points @ toy.axes.T).std(0), [8, 3, 0.5], rtol=0.03)  # 6 standard errors
    assert abs(toy.axes[0]).max() < 0.99


@pytest.mark.parametrize("beta", [0.1, 1.0, 5.0])
def test_optimum_of_a_gaussian_is_a_minimum(beta):
    """Minus the ELBO of z = a x + noise, x = w z: minimised by brute force over gain and width."""
    from scipy.optimize import minimize

    size = 2.0

    def cost(v):
        w, g, s = v[0], v[1], math.exp(v[2])
        distortion = size**2 * (1 - w * g) ** 2 + (w * s) ** 2
        kl = (g * g * size**2 + s * s - 1) / 2 - v[2]
        return distortion / (2 * beta**2) + kl

    best = minimize(cost, [1.0, 0.5, -0.1], method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-9}).fun
    optimum = gaussian_optimum([size], [beta])
    assert (optimum.kl + optimum.distortion / (2 * beta**2))[0] == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize(
    ("source", "message"),
    [("toy:donut", "no toy donut"), ("toy:torus(size=3)", "torus takes n, seed"), ("toy:ball(d=x)", "ball")],
)
def test_wrong_toys(source, message):
    with pytest.raises(JetFileError, match=message):
        load(source)


def test_arrays_and_their_errors(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(50, 4)))
    assert repr(load(tmp_path / "points.npy")) == "Jets(50 points; vectors of 4)"
    np.save(tmp_path / "bad.npy", np.full((5, 2), np.nan))
    with pytest.raises(JetFileError, match="finite numbers"):
        load(tmp_path / "bad.npy")
    with pytest.raises(JetFileError, match="cannot be one sample"):
        load("toy:circle(n=10)", "toy:torus(n=10)")
