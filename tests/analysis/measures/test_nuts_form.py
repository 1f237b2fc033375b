"""The file of NUTS: sums over jets by hand, the trees of today and before."""

import numpy as np
import pyro
import pytest
import xarray as xr

from analysis.measures.nuts_form import of_some, ours, standard
from analysis.store import Missing
from inference.labels import coordinate_labels
from priors import parse

JETS = [5, 8, 13]


def sampled(text="R1 | S1", *, whole=True):
    """What ``inference.nuts`` returns, of random draws."""
    space, random = parse(text), np.random.default_rng(0)
    pyro.set_rng_seed(0)

    def z(*shape):
        with pyro.plate("draws", int(np.prod(shape))):
            values = space.coordinates(space.sample_prior()).detach().numpy().reshape(*shape, -1)
        dims = ("chain", "draw", "jet", "coordinate")[: len(shape)] if len(shape) == 3 else ("chain", "draw")
        return xr.Dataset({"z": ((*dims[: len(shape)], "coordinate"), values)}, coordinate_labels(space))

    shape = (2, 20, 3)
    stats = {"diverging": random.random(shape) < 0.02, "n_steps": random.integers(1, 8, shape)}
    if whole:
        stats["energy"] = random.normal(100, 5, shape).astype(np.float32)
    groups = {"posterior_nuts": z(*shape), "posterior_guide": z(1, 40, 3)}
    groups["sample_stats_nuts"] = xr.Dataset({name: (("chain", "draw", "jet"), each) for name, each in stats.items()})
    if whole:
        groups["prior"] = z(1, 50)
        groups["observed_data"] = xr.Dataset({"x": (("jet", "x_dim_0"), random.random((3, 4)))})
    tree = xr.DataTree.from_dict({n: g.assign_coords(jet=JETS) if "jet" in g.dims else g for n, g in groups.items()})
    tree.attrs = {"sampler": "numpyro", "beta": 0.1}
    return tree


@pytest.mark.parametrize("whole", [True, False])
def test_there_and_back(whole):
    """Also of a file that was written before, without energy, prior and jets."""
    tree = sampled(whole=whole)
    again = ours(standard(tree))
    for name in ("posterior_nuts", "posterior_guide"):
        np.testing.assert_allclose(again[name]["z"], tree[name]["z"], atol=1e-6)
        assert list(again[name]["kind"].values) == list(tree[name]["kind"].values)
    stats = tree["sample_stats_nuts"].to_dataset()
    assert set(again["sample_stats_nuts"]) == set(stats)
    xr.testing.assert_equal(again["sample_stats_nuts"]["n_steps"].drop_vars(["chain", "draw"]), stats["n_steps"])
    assert ours(tree).keys() == again.keys()


def test_all_jets_are_one_posterior():
    tree = sampled()
    found, each = standard(tree), tree["sample_stats_nuts"]
    np.testing.assert_allclose(found["sample_stats"]["energy"], each["energy"].values.astype(float).sum(-1))
    np.testing.assert_array_equal(found["sample_stats"]["diverging"], each["diverging"].values.any(-1))
    assert found["prior"]["M2_R1"].dims == ("chain", "draw", "jet")
    some = of_some(tree, [13, 5])
    assert some["posterior"]["jet"].values.tolist() == [13, 5]
    np.testing.assert_allclose(some["sample_stats"]["energy"], each["energy"].values[..., [2, 0]].astype(float).sum(-1))
    assert "energy" not in standard(sampled(whole=False))["sample_stats"]


def test_what_is_not_there():
    with pytest.raises(Missing, match="no jet 6 among the 3"):
        of_some(sampled(), [6])
    with pytest.raises(Missing, match="no draws of NUTS"):
        ours(xr.DataTree.from_dict({"scores": xr.Dataset()}))
