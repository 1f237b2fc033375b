"""The default score: finds tops and W among QCD jets in their mass windows, does not know the mass, needs no label."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import jets
from analysis.measures.oddness import Odd, weights
from analysis.measures.tagging import auc
from jets.shapes import shapes

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def known():
    return {name: (own := jets.load(f"sample:{name}").constituents[:6000], shapes(own)) for name in ("qcd", "top", "w")}


@pytest.fixture(scope="module")
def odd(known):
    return Odd.of(known["qcd"][0][:3000], known=known["qcd"][1][:3000])


def within(found, low, high):
    return found[(np.exp(found[:, 0]) > low) & (np.exp(found[:, 0]) < high)]


@pytest.mark.parametrize(("signal", "window", "least"), [("top", (150, 200), 0.62), ("w", (65, 105), 0.78)])
def test_it_tags_within_mass_windows(odd, known, signal, window, least):
    background, found = (
        within(known[name][1][part], *window) for name, part in (("qcd", slice(3000, None)), (signal, slice(None)))
    )
    assert auc(odd.score(found), odd.score(background), repeats=2).value > least


def test_it_does_not_know_mass_or_momentum(odd, known):
    held_out = known["qcd"][1][3000:]
    held_out = held_out[np.isfinite(held_out).all(1)]
    score = odd.score(held_out)  # 1,000 calibration jets leave 0.04, 5,000 leave 0.02
    assert abs(spearmanr(score, held_out[:, 0])[0]) < 0.12
    assert abs(spearmanr(score, held_out[:, 1])[0]) < 0.12


def test_its_p_values_are_uniform(odd, known):
    p = odd.p_value(known["qcd"][1][3000:])
    p = p[np.isfinite(p)]
    for level in (0.02, 0.1, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=0.02 + 0.05 * level)


def test_a_seed_fixes_it(odd, known):
    again = Odd.of(known["qcd"][0][:3000])
    np.testing.assert_array_equal(odd.score(known["w"][1][:100]), again.score(known["w"][1][:100]))


def test_jets_without_shapes_have_no_score(odd):
    found = odd.score(np.full((2, 14), np.nan))
    assert np.isnan(found).all()


def test_mocks_are_weighted_to_the_masses_of_the_jets():
    random = np.random.default_rng(0)
    jets_, made = random.normal(4, 0.5, (20000, 1)), random.normal(4.5, 0.7, (5000, 1))
    weight = weights(made, jets_)
    assert weight.sum() == pytest.approx(1)
    assert np.average(made[:, 0], weights=weight) == pytest.approx(4, abs=0.03)


def test_jets_too_soft_for_prongs():
    random = np.random.default_rng(1)
    soft = np.concatenate(
        [np.sort(random.uniform(0.5, 1, (600, 8, 1)), 1)[:, ::-1], random.normal(0, 0.3, (600, 8, 2))], -1
    )
    with pytest.raises(ValueError, match="too soft or too wide"):
        Odd.of(soft)


def test_too_few_jets(known):
    with pytest.raises(ValueError, match="at least 400"):
        Odd.of(known["qcd"][0][:300])
