"""The criteria of a reference, each broken by itself in draws that otherwise are independent."""

import re

import numpy as np
import pytest
import xarray as xr

from analysis.measures.reference import lacking, quality
from inference.labels import coordinate_labels
from priors import parse

SPACE = parse("R1 x S1 x C2")
"""Three jets; coordinates R1_0, the angle, and two weights of the category, which is certain."""


def sampled(chains=10, draws=1000, energy=True):
    random, shape = np.random.default_rng(0), (chains, draws, 3)
    z = np.zeros((*shape, 4))
    z[..., 0], z[..., 1], z[..., 2] = random.normal(size=shape), random.vonmises(np.pi, 4, shape), 1
    stats = {"diverging": np.zeros(shape, bool)} | ({"energy": random.normal(50, 3, shape)} if energy else {})
    draws_of = xr.Dataset({"z": (("chain", "draw", "jet", "coordinate"), z)}, coordinate_labels(SPACE))
    own = xr.Dataset({name: (("chain", "draw", "jet"), values) for name, values in stats.items()})
    guide = draws_of.isel(chain=[0], draw=slice(9))
    groups = {"posterior_nuts": draws_of, "posterior_guide": guide, "sample_stats_nuts": own}
    return xr.DataTree.from_dict({name: group.assign_coords(jet=[4, 7, 9]) for name, group in groups.items()})


def test_independent_draws_are_a_reference():
    """Of an angle that is cut in the middle of its draws, and of a category that never changes."""
    found = quality(sampled())
    assert found["met"].values.all()
    assert found["rhat"].max() < 1.003
    np.testing.assert_allclose(found[["ess_bulk", "ess_tail"]].to_dataarray(), 10_000, rtol=0.1)
    np.testing.assert_allclose(found["bfmi"], 2, atol=0.3)
    assert lacking(found, 10_000) == []


def shifted(z, stats):
    z[3, :, 1, 0] += 0.5


def correlated(z, stats):
    """An angle that moves slowly: AR(1) of coefficient 0.9, whose ESS is a nineteenth."""
    for t in range(1, z.shape[1]):
        z[:, t, 1, 1] = 0.9 * z[:, t - 1, 1, 1] + np.sqrt(1 - 0.81) * 0.5 * z[:, t, 1, 0]
    z[..., 1, 0] = np.random.default_rng(1).normal(size=z.shape[:2])


def diverging(z, stats):
    stats["diverging"].values[9, 999, 1] = True


def stuck(z, stats):
    """Energies that drift by little steps: E-BFMI is small."""
    stats["energy"].values[2, :, 1] = np.cumsum(np.random.default_rng(1).normal(size=z.shape[1])) / 9


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (shifted, r"jet 7: R-hat 1\.0\d\d"),
        (correlated, r"jet 7: (R-hat 1\.0\d\d, )?ess bulk 5\d\d, ess tail"),
        (diverging, "jet 7: divergences 1"),
        (stuck, r"jet 7: E-BFMI 0\.0"),
    ],
)
def test_each_criterion_is_seen(broken, says):
    tree = sampled()
    broken(tree["posterior_nuts/z"].values, tree["sample_stats_nuts"])
    found = quality(tree)
    assert found["met"].values.tolist() == [True, False, True]
    (line,) = lacking(found, 10_000)
    assert re.match(says, line), line


def test_too_few_draws_and_no_energies_are_no_reference():
    few, without = quality(sampled(draws=400)), quality(sampled(energy=False))
    assert not few["met"].values.any()
    assert not without["met"].values.any()
    assert lacking(few, 4000)[0] == "jet 4: 4000 draws"
    assert lacking(without, 10_000)[0] == "jet 4: E-BFMI nan"
