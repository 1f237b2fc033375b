"""What the mass explains of a score is taken out: mean, width and tails, also where the score has an edge."""

import numpy as np
import pytest

from analysis.measures.at_mass import standardised, tails_at_mass


def test_mean_and_width_at_each_mass_are_taken_out():
    random = np.random.default_rng(0)
    u, pt = random.uniform(-1, 1, 6000), random.normal(size=6000)
    score = 3 * u**2 - u + 0.5 * np.clip(pt, -2, 2) + (1 + 0.5 * u) * random.normal(size=6000)
    found = standardised(score, u, pt)
    for part in (u < -0.5, np.abs(u) < 0.3, u > 0.5):
        assert found[part].mean() == pytest.approx(0, abs=0.1)
        assert np.abs(found[part]).mean() == pytest.approx(1, abs=0.1)


def test_a_constant_score_stays_finite():
    u = np.linspace(-1, 1, 500)
    assert np.isfinite(standardised(np.zeros(500), u, np.zeros(500))).all()
    assert np.isfinite(tails_at_mass(np.zeros(500), u)).all()


@pytest.mark.parametrize("level", [0.5, 0.05, 0.01])
def test_so_many_jets_of_each_mass_are_in_the_tail(level):
    random = np.random.default_rng(1)
    u = random.uniform(-1, 1, 60_000)
    score = u + (1.5 + u) * random.gamma(2 + u, size=60_000)  # mean, width and form change with u
    found = tails_at_mass(score, u)
    for low in (-1.0, -0.5, 0.0, 0.5):
        own = (u > low) & (u < low + 0.5)
        assert (found[own] < level).mean() == pytest.approx(level, rel=0.12)


def test_tails_in_the_window_follow_from_the_jets_beside_it():
    random = np.random.default_rng(2)
    u = random.uniform(-1, 1, 60_000)
    inside = np.abs(u) < 1 / 3
    score = np.exp(0.5 * u) * random.exponential(size=60_000)
    score[inside & (random.random(60_000) < 0.1)] += 20
    found = tails_at_mass(score, u, ~inside)
    assert (found[~inside] < 0.02).mean() == pytest.approx(0.02, rel=0.12)
    assert (found[inside] < 0.02).mean() == pytest.approx(0.1 + 0.9 * 0.02, rel=0.05)


def test_a_lower_edge_that_moves_with_the_mass_does_not_tell_it():
    random = np.random.default_rng(3)
    u = random.uniform(-1, 1, 20_000)
    score = np.maximum(random.normal(size=20_000) * (1 + 0.3 * u), -0.5) + u  # a third of the jets at the edge
    found, edge = tails_at_mass(score, u), score == u - 0.5
    assert found[edge].min() > 0.6  # whatever the mass, at the end of all jets
    assert (found[edge] < 0.65).mean() < 0.1


def test_larger_scores_have_smaller_tails_at_one_mass():
    score = np.random.default_rng(4).normal(size=3000)
    found = tails_at_mass(score, np.random.default_rng(5).uniform(-1, 1, 3000))
    at_zero = tails_at_mass(np.append(score, [2.0, 3.0, 9.0]), np.append(np.linspace(-1, 1, 3000), np.zeros(3)))[-3:]
    assert (np.diff(at_zero) < 0).all()
    assert ((found > 0) & (found <= 1)).all()
