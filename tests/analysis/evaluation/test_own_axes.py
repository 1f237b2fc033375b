"""Jets on their own axes: the same however they lay, their partons with them; and what an angle may be given to."""

from types import SimpleNamespace

import numpy as np
import pytest

from analysis.evaluation.own_axes import on_own_axes, upright
from analysis.measures.meaning import Column, allotted
from analysis.measures.observables import between_decays, from_soft_to_hard
from inference import read
from inference.run import RunError
from jets import Jets


def jets_at(angle, mirrored=False, shift=(0.0, 0.0)):
    """Twenty jets of three prongs, of which the truth names each; turned, mirrored and moved."""
    random = np.random.default_rng(1)
    pt = np.sort(random.uniform(20, 200, (20, 3)))[:, ::-1]
    eta, phi = random.normal(size=(2, 20, 3)) * 0.2
    eta, phi = eta - (pt * eta).sum(1, keepdims=True) / pt.sum(1, keepdims=True), phi
    phi = (-1 if mirrored else 1) * phi
    turned = np.cos(angle) * eta - np.sin(angle) * phi + shift[0], np.sin(angle) * eta + np.cos(angle) * phi + shift[1]
    cloud = np.stack([pt, *turned], -1).astype(np.float32)
    truth = {
        f"{n}_{c}": cloud[:, i, k]
        for i, n in enumerate(("b", "q1", "q2"))
        for k, c in enumerate(("pt", "deta", "dphi"))
    }
    return Jets(cloud, np.zeros(20, int), ("top",), truth=truth | {"z_b": np.full(20, 0.3, np.float32)})


@pytest.mark.parametrize(
    ("angle", "mirrored", "shift"), [(0.7, False, (0, 0)), (3.0, False, (0.05, -0.1)), (1.2, True, (0.1, 0))]
)
def test_the_same_jet_however_it_lay(angle, mirrored, shift):
    want, found = upright(jets_at(0.0)), upright(jets_at(angle, mirrored, shift))
    np.testing.assert_allclose(found.constituents, want.constituents, atol=2e-6, rtol=1e-5)
    for name in want.truth:
        np.testing.assert_allclose(found.truth[name], want.truth[name], atol=2e-6, rtol=1e-5)


def test_partons_stay_where_they_are_in_the_jet():
    found = upright(jets_at(0.4, shift=(0.1, 0.2)))
    for i, name in enumerate(("b", "q1", "q2")):
        np.testing.assert_allclose(found.constituents[:, i, 1], found.truth[f"{name}_deta"], atol=1e-6)
        np.testing.assert_allclose(found.constituents[:, i, 2], found.truth[f"{name}_dphi"], atol=1e-6)
    pt, eta, phi = found.constituents.astype(float).transpose(2, 0, 1)
    np.testing.assert_allclose((pt * eta).sum(1) / pt.sum(1), 0, atol=1e-6)
    np.testing.assert_allclose((pt * eta * phi).sum(1) / (pt * (eta**2 + phi**2)).sum(1), 0, atol=1e-6)
    assert ((pt * np.sign(eta)).sum(1) >= 0).all()
    assert ((pt * np.sign(phi)).sum(1) >= 0).all()


@pytest.mark.parametrize(
    ("b", "expected"), [((0.3, 0.0), 0.0), ((-0.3, 0.0), np.pi), ((0.0, 0.3), np.pi / 2), ((0.0, -0.3), np.pi / 2)]
)
def test_the_turn_of_the_w_by_hand(b, expected):
    """The harder quark lies towards +eta of the softer one, and their common place is the origin."""
    quarks = [np.array([value]) for value in (200.0, 0.05, 0.0, 100.0, -0.1, 0.0)]
    assert from_soft_to_hard(*quarks)[0] == pytest.approx(0)
    eta, phi = (np.array([value]) for value in b)
    assert between_decays(*quarks, eta, phi)[0] == pytest.approx(expected)
    assert between_decays(*quarks[3:], *quarks[:3], eta, phi)[0] == pytest.approx(expected), "whichever is called first"


def test_an_angle_is_the_meaning_of_two_numbers():
    coordinates = [Column(f"R_{i}", "real", np.empty(0)) for i in range(4)] + [Column("S", "angle", np.empty(0))]
    known = [Column("axis", "axis", np.empty(0)), Column("mass", "real", np.empty(0))]
    information = np.array([[0.9, 0.1], [0.5, 0.2], [0.8, 0.3], [0.7, np.nan], [0.1, 0.0]])
    found = allotted(information, coordinates, known)
    np.testing.assert_array_equal(found[:, 0], [0.9, np.nan, 0.8, np.nan, 0.1])
    np.testing.assert_array_equal(found[:, 1], information[:, 1])


def test_images_have_no_own_axes():
    with pytest.raises(RunError, match="run: own axes are for clouds that are centred alone; leave out --own-axes"):
        on_own_axes(SimpleNamespace(path="run", recipe=read("image-ae")))
