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
    [
        ("toy:donut", "no toy donut"),
        ("toy:torus(size=3)", "torus takes n, seed"),
        ("toy:ball(d=x)", "ball"),
        ("toy:circle(n 50)", "circle takes n, seed"),
        ("toy:circle(50)", "circle takes n, seed"),
        ("toy:circle(n=50", "no toy"),
        ("toy:circle(n=50)(n=60)", "no toy"),
        ("toy:circle(n=50;seed=3)", "got \\(n=50;seed=3\\)"),
        ("toy:torus(n=50 minor=3)", "got \\(n=50 minor=3\\)"),
        ("toy:torus(n=50, minor 3)", "n = 50, minor 3 is no whole number"),
        ("toy:circle(n=5, n=6)", "n is given twice"),
        ("toy:circle(n=0)", "shape \\(0, 2\\)"),
        ("toy:circle(n=-5)", "whole number"),
        ("toy:circle(n=99999999999)", "whole number"),
        ("toy:annulus(inner=nan)", "inner = nan is no number"),
        ("toy:gaussian(spectrum=1e300)", "list of numbers"),
        ("toy:gaussian(spectrum=0,0)", "makes no points"),
        ("toy:gaussian(rotated=maybe)", "yes or no"),
        ("toy:ball(d=0)", "makes no points"),
        ("toy:torus(major=0.1, minor=3)", "makes no points"),
    ],
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


ARRAYS = {
    "complex": np.full((5, 2), 1 + 1j),
    "object": np.full((5, 2), None),
    "text": np.full((5, 2), "a"),
    "duration": np.full((5, 2), 3, "m8[s]"),
    "one infinity": np.where(np.arange(100).reshape(50, 2) == 7, np.inf, 1.0),
    "1e300": np.full((5, 2), 1e300),
    "squares overflow": np.full((5, 2), 1e30, np.float32),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((3, 0)),
    "one axis": np.zeros(5),
    "three axes": np.zeros((5, 2, 3)),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_that_are_no_vectors(tmp_path, kind):
    np.save(tmp_path / "bad.npy", ARRAYS[kind], allow_pickle=True)
    with pytest.raises(JetFileError, match=r"bad\.npy") as caught:
        load(tmp_path / "bad.npy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'(,\n", b"PK\x03\x04"])
def test_files_that_are_no_arrays(tmp_path, content):
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(JetFileError, match=r"bad\.npy: not an array of numbers"):
        load(tmp_path / "bad.npy")


def test_an_array_larger_than_its_file(tmp_path):
    """The header is believed only as far as the file goes: nothing is allocated for it."""
    np.save(tmp_path / "bomb.npy", np.zeros((4, 3), np.float32))
    content = (tmp_path / "bomb.npy").read_bytes().replace(b"(4, 3), }       ", b"(4000000000, 3)}")
    (tmp_path / "bomb.npy").write_bytes(content)
    with pytest.raises(JetFileError, match="not an array of numbers"):
        load(tmp_path / "bomb.npy")


def test_integers_and_other_layouts_are_converted(tmp_path):
    points = np.arange(12).reshape(4, 3)
    for i, given in enumerate((points, np.asfortranarray(points), points.astype(">f8"), points.astype("u1"))):
        np.save(tmp_path / f"{i}.npy", given)
        found = load(tmp_path / f"{i}.npy").constituents
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, points)
