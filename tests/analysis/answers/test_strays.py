"""Decoded particles that are in no jet."""

import numpy as np
import pytest

from analysis.answers.decoded import without_strays
from jets import Jets

JET = [[0.5, 0.1, 0.0], [0.3, 0.0, 0.2], [0.2, -0.1, 0.1]]


def clouds(*jets):
    return np.array(jets, np.float32)


@pytest.mark.parametrize(("eta", "phi"), [(0.0, 3.12), (3.2, 0.0), (-4.0, -3.14), (0.0, -3.1 - 4 * np.pi)])
def test_a_stray_particle_is_left_out_and_the_rest_keep_their_proportions(eta, phi, capsys):
    given = clouds(JET, [[0.5, 0.1, 0.0], [0.001, eta, phi], [0.499, 0.0, 0.2]])
    found = without_strays(given)
    np.testing.assert_array_equal(found[0], given[0])
    np.testing.assert_allclose(found[1, :, 0], [0.5 / 0.999, 0, 0.499 / 0.999], rtol=1e-6)
    assert "1 jets (first: jet 1)" in capsys.readouterr().err
    ordered = np.take_along_axis(found, np.argsort(-found[..., :1], 1), 1)
    Jets(ordered * np.float32([600, 1, 1]), np.zeros(2, np.int64), ("decoded",))


@pytest.mark.parametrize("phi", [0.1, 2.5, 3.1])
def test_jets_without_strays_stay_as_they_are(phi, capsys):
    """At whichever azimuth, also across the branch of the angle."""
    given = clouds(JET) + np.float32([0, 0, phi])
    given[..., 2] = (given[..., 2] + np.pi) % (2 * np.pi) - np.pi
    assert without_strays(given) is given
    assert not capsys.readouterr().err


def test_padding_far_away_is_no_stray():
    given = clouds([[1.0, 0.0, 0.0], [0.0, 9.0, 9.0]])
    assert without_strays(given) is given
