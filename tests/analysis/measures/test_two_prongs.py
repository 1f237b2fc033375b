"""Two-prong decays under the Energy Mover's Distance: a Moebius strip, since nothing tells the prongs apart."""

import numpy as np
import pytest

from analysis.measures.scaling import scaled
from analysis.measures.shape import shape
from jets.emd import pairwise

PT, MASS, BETA = 595.0, 80.4, 10.0  # GeV


def decays(share, random):
    """Clouds ``(N, 2, 3)`` of a mass m: an angle m / (pT sqrt(z (1 - z))) between the particles, any azimuth."""
    azimuth = random.uniform(-np.pi, np.pi, len(share))
    apart = MASS / (PT * np.sqrt(share * (1 - share)))
    along = np.stack([np.cos(azimuth), np.sin(azimuth)], 1) * apart[:, None]
    first, second = (1 - share)[:, None] * along, -share[:, None] * along
    return np.stack([np.c_[share, first], np.c_[1 - share, second]], 1).astype(np.float32)


@pytest.mark.parametrize(("least", "two_sides"), [(0.5, False), (0.65, True)])
def test_which_side(least, two_sides):
    """Equal shares can be told apart by no azimuth: half a turn closes the strip. Without them it is an annulus."""
    pytest.importorskip("ripser")
    random = np.random.default_rng(0)
    distances = PT * pairwise(decays(random.uniform(least, 0.9, 500), random), tolerance=0.05)
    found = shape(scaled(distances, BETA / 3).points, BETA)
    assert np.asarray(found["betti"]).tolist() == [1, 1, 0]
    assert np.asarray(found["share"]).argmax() == 1
    assert bool(found["orientable"]) is two_sides
