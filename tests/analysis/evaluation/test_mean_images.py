"""Mean images of jets that pass: two particles at a known distance, and no jet at all."""

import numpy as np
import pytest
import xarray as xr

from analysis.evaluation.mean_images import passing_images
from analysis.figures.excess import mean_images


def pairs(angle, count, seed=0):
    """Jets of two equal particles ``angle`` apart, turned at random."""
    turn = np.random.default_rng(seed).uniform(0, 2 * np.pi, count)
    jets = np.zeros((count, 4, 3), np.float32)
    for k, sign in enumerate((1, -1)):
        jets[:, k, 0] = 300
        jets[:, k, 1:] = sign * angle / 2 * np.stack([np.cos(turn), np.sin(turn)], -1)
    return jets


def searched(tail):
    """Forty jets: the first half in the window."""
    inside = np.arange(40) < 20
    table = {"tail": (("score", "jet"), [tail]), "inside": ("jet", inside), "beside": ("jet", ~inside)}
    return xr.Dataset(table, {"score": ["odd"]})


def test_two_particles_lie_where_they_are():
    jets = np.concatenate([pairs(0.4, 20), pairs(0.2, 20, seed=1)])
    found = passing_images(jets, searched(np.zeros(40)), "odd", 0.02)
    assert found["jets"].values.tolist() == [20, 20]
    np.testing.assert_allclose(found["image"].sum(("eta", "phi")), 1, rtol=1e-6)
    for where, angle in (("inside", 0.4), ("beside", 0.2)):
        image, pixel = found["image"].sel(where=where), 0.036
        far = image.where(image > 0.01, drop=True)
        assert float(image.sum()) == pytest.approx(float(far.sum()), abs=1e-6)  # a few pixels hold it all
        assert float(abs(far["phi"]).max()) == pytest.approx(angle / 2, abs=pixel)
        assert float(found["radius"].sel(where=where)) == pytest.approx(angle / 2, abs=pixel)
    assert len(mean_images(found).axes) == 5


def test_only_jets_that_pass_count():
    tail = np.ones(40)
    tail[:3], tail[20:25] = 0.01, 0.02
    jets = np.concatenate([pairs(0.4, 3), pairs(0.1, 17), pairs(0.2, 5), pairs(0.1, 15)])
    found = passing_images(jets, searched(tail), "odd", 0.02)
    assert found["jets"].values.tolist() == [3, 5]
    assert float(found["radius"].sel(where="inside")) > 0.17


def test_none_that_passes():
    found = passing_images(pairs(0.4, 40), searched(np.ones(40)), "odd", 0.02)
    assert found["jets"].values.tolist() == [0, 0]
    assert np.isnan(found["image"]).all()
    one = np.ones(40)
    one[0] = 0
    assert np.isnan(passing_images(pairs(0.4, 40), searched(one), "odd", 0.02)["radius_error"][0])
