"""Mock anomalies: kinematics by conservation, prongs by their own jets."""

import numpy as np
import pytest

import jets
from jets.mocks import mocks
from jets.mocks.decays import flat, sequential
from jets.mocks.prongs import Library
from jets.shapes import NAMES, mass_and_pt, shapes


@pytest.fixture(scope="module")
def qcd():
    return jets.load("sample:qcd").constituents[:400]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_flat_decays_keep_mass_and_momentum(count):
    random = np.random.default_rng(0)
    mass, pt = random.uniform(20, 200, 500), random.uniform(400, 700, 500)
    prongs = flat(count, mass, pt, random).prongs
    found = mass_and_pt(prongs)
    np.testing.assert_allclose(found[0], mass, rtol=1e-6)
    np.testing.assert_allclose(found[1], pt, rtol=1e-9)


def test_flat_decays_into_two_are_isotropic():
    """The energy share of a two-body decay is uniform: (1 + v cos)/2, and so is cos."""
    random = np.random.default_rng(1)
    prongs = flat(2, np.full(20000, 80.0), np.full(20000, 600.0), random).prongs
    energy = prongs[..., 0] * np.cosh(prongs[..., 1])
    share = energy[:, 0] / energy.sum(1)
    speed = 600 / np.hypot(600, 80)
    cosine = (2 * share - 1) / speed
    assert abs(cosine.mean()) < 0.02
    assert np.var(cosine) == pytest.approx(1 / 3, abs=0.01)


def test_flat_decays_into_three_fill_a_dalitz_plot_evenly():
    """Squared masses of two pairs are uniform in the triangle: of three massless prongs, mean 1/3, variance 1/18."""
    random = np.random.default_rng(2)
    prongs = flat(3, np.full(20000, 100.0), np.full(20000, 500.0), random).prongs
    squares = np.stack([mass_and_pt(prongs[:, pair])[0] ** 2 for pair in ([0, 1], [0, 2], [1, 2])], 1) / 1e4
    np.testing.assert_allclose(squares.mean(0), 1 / 3, atol=0.01)
    np.testing.assert_allclose(squares.var(0), 1 / 18, atol=0.002)


def test_a_sequential_decay_into_two_has_its_mass():
    """To the order of the angle: m^2 = pT^2 z (1 - z) dR^2."""
    random = np.random.default_rng(3)
    mass, pt = np.full(2000, 60.0), np.full(2000, 600.0)
    found = sequential(2, mass, pt, random)
    np.testing.assert_allclose(found.prongs[..., 0].sum(1), pt)
    np.testing.assert_allclose(np.median(mass_and_pt(found.prongs)[0][found.inside]), 60, rtol=0.02)
    centre = (found.prongs[..., :1] * found.prongs[..., 1:]).sum(1)
    np.testing.assert_allclose(centre, 0, atol=1e-8)


def test_a_library_holds_all_of_a_jet(qcd):
    one = qcd[:1]
    library = Library.of(one, 2, 0.0)
    assert len(library.pt) == 2
    assert (np.diff(library.pt) >= 0).all()
    assert library.particles[..., 0].sum() == pytest.approx(one[..., 0].sum(), rel=1e-6)
    assert (np.diff(library.particles[..., 0], axis=1) <= 0).all()


def test_a_prong_glued_where_it_was_is_the_jet_turned(qcd):
    """One prong, its own pT: the same particles at the same distance from the axis."""
    library = Library.of(qcd[:1], 1, 0.0)
    wanted = np.array([[[library.pt[0], 0.0, 0.0]]])
    made = library.glued(wanted, 80, np.random.default_rng(0))[0]
    kept = library.particles[0, : (made[:, 0] > 0).sum()]
    np.testing.assert_allclose(made[: len(kept), 0], kept[:, 0])
    np.testing.assert_allclose(np.hypot(*made[: len(kept), 1:].T), np.hypot(*kept[:, 1:].T), atol=1e-9)


def test_mocks_are_jets_of_the_sample_s_masses(qcd):
    made = mocks(qcd, 200, seed=4)
    known = shapes(qcd)[:, 0]
    for name, each in made.items():
        assert each.shape == (200, 50, 3), name
        assert np.isfinite(each).all()
        assert (np.diff(each[..., 0], axis=1) <= 0).all(), name
        found = shapes(each)[:, 0]
        assert np.isfinite(found).mean() > 0.9
        assert abs(np.nanmedian(found) - np.nanmedian(known)) < 0.5, name


def test_more_prongs_have_smaller_ratios(qcd):
    """tau32 falls from two prongs to three, tau43 from three to four."""
    made = {name: np.nanmedian(shapes(each), 0) for name, each in mocks(qcd, 200, seed=5).items()}
    tau32, tau43 = NAMES.index("tau32"), NAMES.index("tau43")
    assert made["flat 3"][tau32] < made["flat 2"][tau32] - 0.05
    assert made["flat 4"][tau43] < made["flat 3"][tau43] - 0.02


def test_a_seed_fixes_them(qcd):
    one, two, other = mocks(qcd, 20, 1), mocks(qcd, 20, 1), mocks(qcd, 20, 2)
    assert all((one[name] == two[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)
