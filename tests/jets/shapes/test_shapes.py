"""Shapes of jets against fastjet, N-subjettiness of the files, and the definitions written out."""

import importlib
from itertools import combinations

import numpy as np
import pytest

import jets
from jets.shapes import NAMES, shapes
from jets.shapes.one_jet import at_rest, momenta, subjettiness, third_moment
from jets.shapes.sequence import belongs, mass_of, prongs, sequence


@pytest.fixture(scope="module")
def tops():
    return jets.load("sample:top")[:200]


@pytest.fixture(scope="module")
def found(tops):
    return dict(zip(NAMES, shapes(tops.constituents).T, strict=True))


def particles_of(jet):
    kept = jet[jet[:, 0] > 0].astype(float)
    return momenta(kept, len(kept))


@pytest.mark.parametrize(("power", "algorithm"), [(1, "kt_algorithm"), (0, "cambridge_algorithm")])
def test_prongs_are_those_of_fastjet(tops, power, algorithm):
    fastjet = pytest.importorskip("fastjet")
    definition = fastjet.JetDefinition(getattr(fastjet, algorithm), 10.0)
    for jet in tops.constituents[:30]:
        p4 = particles_of(jet)
        cluster = fastjet.ClusterSequence([fastjet.PseudoJet(*map(float, p)) for p in p4], definition)
        history = sequence(p4, power)
        for count in (1, 2, 3, 5):
            theirs = sorted([j.px(), j.py(), j.pz(), j.E()] for j in cluster.exclusive_jets(count))
            ours = sorted(history.momentum[prongs(history, count)].tolist())
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-7)


def test_every_particle_belongs_to_one_prong(tops):
    p4 = particles_of(tops.constituents[0])
    history = sequence(p4, 1)
    nodes = prongs(history, 4)
    of = belongs(history, nodes)
    sums = np.stack([p4[of == a].sum(0) for a in range(4)])
    np.testing.assert_allclose(sums, history.momentum[nodes], rtol=1e-9, atol=1e-9)
    assert sorted(np.unique(of)) == [0, 1, 2, 3]
    np.testing.assert_allclose(history.momentum[-1], p4.sum(0))


def test_fewer_particles_than_prongs():
    p4 = momenta(np.array([[5.0, 0.0, 0.0], [3.0, 0.1, 0.2]]), 2)
    assert sorted(prongs(sequence(p4, 1), 4)) == [0, 1]


def test_subjettiness_is_that_of_the_files(tops, found):
    """Theirs is fastjet's contrib, to the minimum, of all particles; ours one step, of the hardest 50 that are kept."""
    whole = (tops.constituents[..., 0] > 0).sum(1) < 50
    assert whole.sum() > 30
    for name, one, two in (("tau21", "tau1", "tau2"), ("tau32", "tau2", "tau3"), ("tau43", "tau3", "tau4")):
        away = (found[name] - np.log(tops.subst[two] / tops.subst[one]))[whole]
        assert abs(np.median(away)) < 0.06
        assert np.quantile(np.abs(away), 0.9) < 0.12


def test_axes_are_never_worse_than_prongs(tops):
    jet = tops.constituents[0][tops.constituents[0][:, 0] > 0].astype(float)
    share, history = jet[:, 0] / jet[:, 0].sum(), sequence(particles_of(jet), 1)
    axes = history.place[prongs(history, 3)][:, 1:]
    about_prongs = (share * np.hypot(*(jet[:, None, 1:] - axes).T).min(0)).sum()
    assert subjettiness(jet, share, history, 3) <= about_prongs + 1e-12


def test_correlators_by_their_sums(tops, found):
    for number in range(3):
        jet = tops.constituents[number][tops.constituents[number][:, 0] > 0].astype(float)
        z = jet[:, 0] / jet[:, 0].sum()
        unit = 2 * np.exp(found["ln m"][number] - found["ln pT"][number])
        angle = np.hypot(*(jet[:, None, 1:] - jet[None, :, 1:]).T) / unit
        e2 = sum(z[i] * z[j] * angle[i, j] for i, j in combinations(range(len(z)), 2))
        triples = [
            (z[i] * z[j] * z[k], angle[i, j], angle[i, k], angle[j, k]) for i, j, k in combinations(range(len(z)), 3)
        ]
        weight, a, b, c = np.array(triples).T
        small = np.sort([a, b, c], 0)
        assert found["C2"][number] == pytest.approx(np.log((weight * a * b * c).sum() / e2**2), abs=1e-4)
        assert found["D2"][number] == pytest.approx(np.log((weight * a * b * c).sum() / e2**3), abs=1e-4)
        assert found["N2"][number] == pytest.approx(np.log((weight * small[0] * small[1]).sum() / e2**2), abs=1e-4)


def test_rest_frame_and_moment(tops):
    p4 = particles_of(tops.constituents[0])
    rest = at_rest(p4, p4.sum(0), mass_of(p4.sum(0)))
    np.testing.assert_allclose(rest.sum(0), 0, atol=1e-8)
    assert np.linalg.norm(rest, axis=1).sum() == pytest.approx(mass_of(p4.sum(0)))
    size = np.linalg.norm(rest, axis=1)
    cosine = (rest @ rest.T) / np.outer(size, size)
    by_sum = (np.outer(size, size) * (2.5 * cosine**3 - 1.5 * cosine)).sum() / size.sum() ** 2
    assert third_moment(rest) == pytest.approx(by_sum)


def test_two_back_to_back_have_no_third_moment():
    assert third_moment(np.array([[1.0, 0, 0], [-1.0, 0, 0]])) == pytest.approx(0)


def test_mass_and_momentum(tops, found):
    p4 = np.stack([particles_of(jet).sum(0) for jet in tops.constituents[:20]])
    mass = np.sqrt(p4[:, 3] ** 2 - (p4[:, :3] ** 2).sum(1))
    np.testing.assert_allclose(found["ln m"][:20], np.log(mass), rtol=1e-6)
    np.testing.assert_allclose(found["ln pT"][:20], np.log(np.hypot(p4[:, 0], p4[:, 1])), rtol=1e-9)


def test_a_turn_and_a_scale_of_momentum_change_no_shape(tops, found):
    angle = 0.7
    moved = tops.constituents[:50].astype(float)
    eta, phi = moved[..., 1].copy(), moved[..., 2].copy()
    moved[..., 1], moved[..., 2] = np.cos(angle) * eta - np.sin(angle) * phi, np.sin(angle) * eta + np.cos(angle) * phi
    turned = dict(zip(NAMES, shapes(moved).T, strict=True))
    for name in NAMES[2:]:
        away = np.abs(turned[name] - found[name][:50])
        assert np.median(away) < 0.02, name  # E-scheme masses depend on the direction a little
    harder = tops.constituents[:50].astype(float)
    harder[..., 0] *= 3
    scaled = dict(zip(NAMES, shapes(harder).T, strict=True))
    for name in NAMES[2:]:
        np.testing.assert_allclose(scaled[name], found[name][:50], atol=1e-4, err_msg=name)


def test_jets_without_shapes():
    few = np.zeros((3, 10, 3))
    few[0, :4, 0] = 1  # four particles
    few[1, :6] = [5.0, 0.1, 0.1]  # no mass
    few[2, :6, 0], few[2, :6, 1] = 100, np.linspace(0, 0.5, 6)
    found = shapes(few)
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2]).all()
    assert shapes(np.zeros((0, 10, 3))).shape == (0, len(NAMES))


def test_order_of_the_docs():
    text = importlib.import_module("jets.shapes").__doc__
    assert all(f"``{name}``" in text for name in NAMES)
