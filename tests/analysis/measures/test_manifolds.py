"""The steps of a search, and when it goes over to another manifold."""

import numpy as np
import pytest

from analysis.measures.manifolds import MOST, Gain, Manifold, better
from analysis.measures.topology import ORDER


def test_the_order_is_that_of_topologies():
    single = [name for name in ORDER if "|" not in name]
    assert sorted(single, key=lambda name: Manifold.of(name).simplicity) == single


@pytest.mark.parametrize("latent", ["R0", "R1", "S1", "S2", "T2", "S1 x R2", "T2 x S2 x R8", "S2 x R1"])
def test_text_and_back(latent):
    assert str(Manifold.of(latent)) == latent


@pytest.mark.parametrize("latent", ["R0", "R2", "S2", "T2", "S1 x R1", "S2 x R3", "T2 x S2 x R8"])
def test_every_step_can_be_taken_back(latent):
    """Growth by a loss, exchange by exchange; none leaves the room, none stands still."""
    start = Manifold.of(latent)
    for step in [*start.grown, *start.changed]:
        assert step != start
        assert all(0 <= count <= most for count, most in zip(step, MOST, strict=True))
        assert start in [*step.grown, *step.changed]
        assert step.dimension - start.dimension in ((1, 2) if step in start.grown else (-2, -1, 0))


def test_a_torus_is_reached_from_a_sphere():
    assert Manifold.of("T2") in Manifold.of("S2").changed


def test_gain_is_paired():
    """Both share a large spread from point to point; the difference is 0.1 with a spread of 0.01."""
    random = np.random.default_rng(0)
    common, small = random.normal(scale=50, size=400), random.normal(scale=0.01, size=400)
    gain = Gain.of(common + 0.1 + small, common)
    assert gain.mean == pytest.approx(0.1, abs=0.002)
    assert gain.error == pytest.approx(0.01 / 20, rel=0.15)
    assert gain.counts
    assert not gain.loses


@pytest.mark.parametrize(
    ("new", "gain", "old", "taken"),
    [
        ("R2", Gain(0.02, 0.001), "R1", False),
        ("R2", Gain(0.03, 0.001), "R1", True),
        ("R2", Gain(0.03, 0.02), "R1", False),
        ("S1", Gain(-0.02, 0.001), "R1", True),
        ("S1", Gain(-0.03, 0.001), "R1", False),
        ("R0", Gain(-0.03, 0.02), "R1", True),
    ],
)
def test_what_a_search_goes_over_to(new, gain, old, taken):
    assert better(Manifold.of(new), gain, Manifold.of(old)) is taken
