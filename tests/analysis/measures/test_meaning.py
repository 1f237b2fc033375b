"""Correlations against closed forms, and latents whose meaning is known."""

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.measures.correlation import circular, circular_linear, mutual_information
from analysis.measures.meaning import meaning, strongest
from analysis.measures.observables import OBSERVABLES, observables, shape
from analysis.figures.physics import cloud_traversals, meaning_map
from analysis.evaluation.traversals import traversals
from jets.preprocess import rotate
from priors import parse

SIZE = 20_000
RNG = np.random.default_rng


def test_circular_correlation_of_noisy_angles():
    """b = a + Normal(0, s): the mean resultant length of the noise is exp(-s^2/2); 4 / sqrt(N) of room."""
    a = RNG(0).uniform(-np.pi, np.pi, SIZE)
    b = a + 1 + RNG(1).normal(0, 0.5, SIZE)
    assert abs(circular(a, b) - np.exp(-0.125)) < 4 / SIZE**0.5
    assert abs(circular(a, -b) + np.exp(-0.125)) < 4 / SIZE**0.5
    assert abs(circular(a, RNG(2).uniform(0, 7, SIZE))) < 8 / SIZE**0.5
    assert abs(circular(0.01 * b, a)) < 8 / SIZE**0.5, "an angle that hardly varies"


def test_circular_linear_correlation():
    """cos(angle - 1) explains itself; with noise of its own variance it explains half, which ranks change little."""
    angle = RNG(0).uniform(0, 2 * np.pi, SIZE)
    wave = np.cos(angle - 1)
    assert circular_linear(angle, wave) > 0.98  # 1 but for the ranks
    noisy = wave + RNG(1).normal(0, 0.5**0.5, SIZE)
    assert abs(circular_linear(angle, noisy) - 0.5**0.5) < 0.03


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_mutual_information_of_gaussians(rho):
    """-ln(1 - rho^2)/2; cells of 1/27 of the ranks lose a few hundredths of a nat."""
    x, noise = RNG(0).normal(size=(2, SIZE))
    y = rho * x + (1 - rho**2) ** 0.5 * noise
    exact = -np.log(1 - rho**2) / 2
    assert exact - 0.05 < mutual_information(x, np.exp(y)) < exact + 0.01


def test_axis_is_that_of_the_rotation(sample):
    turned = rotate(torch.as_tensor(sample.constituents[:200])).numpy()
    centred = sample.constituents[:200].copy()
    there = centred[..., :1] > 0
    mean = (centred[..., :1] * centred[..., 1:]).sum(1, keepdims=True) / centred[..., :1].sum(1, keepdims=True)
    centred[..., 1:] = np.where(there, centred[..., 1:] - mean, 0)
    found = shape(rotate(torch.as_tensor(centred)).numpy())
    np.testing.assert_allclose(np.abs(found["axis"]), np.pi / 2, atol=2e-3)  # along phi
    np.testing.assert_allclose(found["width"], shape(sample.constituents[:200])["width"], rtol=1e-4)
    assert turned.shape == centred.shape


@pytest.fixture(scope="module")
def known_tree():
    """4,000 W-like jets whose latents are: a circle of q1 - q2, its angle, the mass squared, noise."""
    random, count = RNG(0), 4000
    azimuth, mass = random.uniform(-np.pi, np.pi, count), random.normal(80, 5, count)
    size, share = random.uniform(0.3, 0.6, count), random.uniform(0.5, 0.9, count)
    swap, soft, noise = random.random((3, count))
    columns = {
        "jet_mass": mass,
        "dR_q1q2": size,
        "z_q1": np.where(swap < 0.5, share, 1 - share),
        "z_g": np.where(soft < 0.01, -1.0, soft / 2),
        **{"q1_pt": share, "q1_deta": np.cos(azimuth), "q1_dphi": np.sin(azimuth)},
        **{"q2_pt": 1 - share, "q2_deta": 0 * mass, "q2_dphi": 0 * mass},
    }
    z = np.stack([size * np.cos(azimuth), size * np.sin(azimuth), -(mass**2), noise, azimuth], 1)
    names, kinds = ["R4_0", "R4_1", "R4_2", "R4_3", "S1_0"], ["real"] * 4 + ["angle"]
    points = xr.Dataset({"point": (("jet", "coordinate"), z)}, {"coordinate": names, "kind": ("coordinate", kinds)})
    known = {name: ("jet", value) for name, value in columns.items()} | {"class_name": ("jet", ["w"] * count)}
    tree = xr.DataTree.from_dict({"guide_params": points, "constant_data": xr.Dataset(known)})
    tree.attrs["classes"] = ["w"]
    return tree


@pytest.mark.parametrize(
    ("observable", "where", "least"),
    [
        ("mass", "R4_2", 0.999),
        ("true angle", "R4_0, R4_1", 0.999),
        ("true azimuth", "R4_0, R4_1", 0.96),  # 1 - 2/sqrt(N): angles are never quite uniform
    ],
)
def test_meaning_names_what_was_put_in(known_tree, observable, where, least):
    found = meaning(known_tree).isel(sample=0)
    name, value = strongest(found)[observable]
    assert name == where or (observable == "true azimuth" and name == "S1_0")
    assert abs(value) > least
    assert str(found["best"].sel(coordinate="R4_2").values) == "mass"
    assert str(found["best"].sel(coordinate="S1_0").values) == "true azimuth"
    assert abs(found["correlation"].sel(coordinate="R4_3")).max() < 0.06
    assert float(found["together"].sel(observable=observable)) > (0.9 if observable != "true angle" else -1)
    assert float(found["correlation"].sel(coordinate="S1_0", observable="true axis")) > 0.96, "it turns twice"


def test_observables_mark_what_is_missing(known_tree):
    seen = observables(known_tree)
    assert set(seen["observable"].values) < set(OBSERVABLES)
    assert 10 < int(np.isnan(seen.sel(observable="subjet sharing")).sum()) < 100
    assert float(seen.sel(observable="true sharing").min()) >= 0.5


@pytest.mark.parametrize(
    ("latent", "steps"),
    [
        ("R2", 10),
        ("S1", 8),
        ("T2", 16),
        ("S2", 8),
        ("D3", 3),
        ("L3", 3),
        ("C2 x R1", 7),
        ("R1 | R2 x S1", 2 + 5 + 10 + 8),
    ],
)
def test_traversals_move_one_latent(latent, steps):
    """Features that differ from the base belong to the factor named; vertices are unit vectors, loops close."""
    space = parse(latent)
    torch.manual_seed(0)
    z = {label: first(value) for label, value in space.sample_posterior(torch.randn(1, space.outputs)).items()}
    names, points = traversals(space, z)
    assert points.shape == (steps, space.features_size)
    assert len(set(names)) == steps
    base = space.features(z)
    start = 0
    for label, factor in space.items:
        stop = start + factor.features_size
        mine = torch.tensor([name.startswith(label) for name in names])
        outside = torch.cat([points[mine, :start], points[mine, stop:]], 1)
        torch.testing.assert_close(outside, torch.cat([base[:start], base[stop:]]).expand_as(outside))
        start = stop


def first(value):
    return {label: first(part) for label, part in value.items()} if isinstance(value, dict) else value[0]


def test_figures_draw(known_tree):
    found = meaning(known_tree).isel(sample=0)
    kl = xr.DataArray([1.0, 2.0, 0.5, 0.0, 3.0], dims="coordinate", coords={"coordinate": found["coordinate"]})
    figure = meaning_map(found, kl)
    assert [label.get_text().split()[0] for label in figure.axes[0].get_yticklabels()] == [
        "S1_0",
        "R4_1",
        "R4_0",
        "R4_2",
    ]
    tree = xr.DataTree.from_dict(
        {
            "information": xr.Dataset(
                {"kl": (("jet", "kl_term"), [[0.0, 1.0, 2.0]])}, {"kl_term": ["R1_0", "S1_0", "C2"]}
            ),
            "traversals": xr.Dataset(
                {"cloud": (("step", "particle", "column"), np.full((4, 2, 3), 0.1))},
                {"step": ["R1_0 = 1", "S1_0 = 0", "C2_0", "C2_1"]},
            ),
        }
    )
    assert [axes.get_title() for axes in cloud_traversals(tree).axes] == ["0", "1", "0"]
