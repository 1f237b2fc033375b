"""A search on jets: W bosons put among QCD jets are found, by the score that fits; QCD jets alone are left in peace."""

import numpy as np
import pytest

import jets
from analysis.measures.excess import Bands
from analysis.measures.hunt import SCORES, Halves, hunt, looks, regime, sentences
from analysis.measures.tagging import auc
from analysis.measures.weakly import tails, weak_tails
from jets.shapes import NAMES, shapes

pytest.importorskip("sklearn")
WINDOW = (65.0, 105.0)


@pytest.fixture(scope="module")
def known():
    return {name: (own := jets.load(f"sample:{name}").constituents, shapes(own)) for name in ("qcd", "w")}


def searched(known, count, **options):
    """What is found where so many W jets are among the QCD jets, and which jets these are."""
    constituents, own = (np.concatenate([known["qcd"][k], known["w"][k][:count]]) for k in range(2))
    found = hunt(constituents, WINDOW, known=own, **options)
    return found, np.arange(len(own)) >= len(known["qcd"][0]), own


@pytest.fixture(scope="module")
def rare(known):
    return searched(known, 300)


@pytest.fixture(scope="module")
def usual(known):
    return searched(known, 3000)


def tagged(found, is_signal, score):
    inside = found["inside"].values
    value = -found["tail"].sel(score=score).values
    return auc(value[inside & is_signal], value[inside & ~is_signal], repeats=2).value


def test_nothing_is_found_where_nothing_is(known):
    found = searched(known, 0)[0]
    assert found.attrs["p_value"] > 0.01
    assert regime(found) == "odd"
    assert "no sure excess of odd jets between 65 and 105 GeV" in sentences(found)[0]


def test_a_few_per_cent_of_w_are_found_by_odd(rare):
    found, is_signal, _ = rare
    assert found.attrs["p_value"] < 0.05
    assert regime(found) == "odd"
    assert tagged(found, is_signal, "odd") > 0.75
    assert "an excess of odd jets between 65 and 105 GeV" in sentences(found.assign_attrs(p_value=1e-4))[0]
    assert "for a p-value take more jets" in sentences(found.assign_attrs(p_value=np.nan))[0]


def test_where_they_are_usual_the_score_of_the_window_finds_them(usual):
    found, is_signal, _ = usual
    assert regime(found) == "weak"
    assert tagged(found, is_signal, "weak") > 0.8
    assert "rank jets by weak" in sentences(found)[0]


def test_excess_looks_like_two_prongs(usual):
    found, _, own = usual
    shift = looks(found, own).sel(score="weak")
    assert float(shift.sel(shape="tau21")) < -0.2
    assert shift["shape"].values.tolist() == list(NAMES[2:])


def test_jets_outside_have_no_score_and_all_others_have(rare):
    found = rare[0]
    near = (found["inside"] | found["beside"]).values
    tail = found["tail"].values
    assert np.isnan(tail[:, ~near]).all()
    assert ((tail[:, near] > 0) & (tail[:, near] <= 1)).all()
    beside = tail[0, found["beside"].values]
    assert np.median(beside) == pytest.approx(0.5, abs=0.02)
    assert found["score"].values.tolist() == list(SCORES)


def test_the_seed_decides_and_trees_serve_every_window(known, rare):
    constituents, own = (np.concatenate([known["qcd"][k], known["w"][k][:300]]) for k in range(2))
    assert searched(known, 300, halves=Halves.of(constituents, 0, own))[0].equals(rare[0])
    assert not searched(known, 300, seed=1)[0].equals(rare[0])


def test_a_mass_of_ones_own_is_used(known):
    constituents, own = (each[:4000] for each in known["qcd"])
    mass = np.exp(own[:, 0]) * 2
    found = hunt(constituents, (130.0, 210.0), mass=mass, known=own)
    assert found["inside"].values.sum() == ((mass >= 130) & (mass < 210)).sum()


def test_too_few_jets_are_refused(known):
    with pytest.raises(ValueError, match="300 jets of at least five particles"):
        hunt(known["qcd"][0][:300], WINDOW)
    with pytest.raises(ValueError, match="jets in the window"):
        hunt(known["qcd"][0][:1000], (1000.0, 1100.0), known=known["qcd"][1][:1000])


def bands(count=6000):
    random = np.random.default_rng(0)
    return Bands.of(np.exp(random.normal(4.3, 0.4, count)), WINDOW), random


def test_weak_supervision_finds_what_the_window_has_more_of():
    where, random = bands()
    near = where.inside | where.beside
    own = Bands(where.place[near], where.inside[near], where.beside[near], where.edges)
    odd = own.inside & (random.random(near.sum()) < 0.3)
    columns = random.normal(size=(near.sum(), 3)) + 2.0 * odd[:, None] * [1, 0, 0]
    found = weak_tails(columns, own)
    assert auc(-found[odd], -found[own.inside & ~odd], repeats=2).value > 0.85
    assert found[own.inside & odd].mean() < found[own.beside].mean() - 0.1


def test_tails_of_a_constant_score_are_a_half():
    assert tails(np.zeros(5), np.array([True, True, True, True, False])) == pytest.approx(0.5)
