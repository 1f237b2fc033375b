"""Trees that were saved before labels were coordinates open with all of today's labels."""

import re

import pytest
import torch
import xarray as xr

import analysis
import inference
import models
from analysis import store

LABELS = ("factor", "coordinate_name", "path", "value", "component")
"""Coordinates that older trees lack; ``kind`` was there on latent coordinates, and is new on scores."""
LATENTS = {"product": "R2 x S1 x S2 x D3", "superposition": "R1 | R2 x S1", "nested": "R1 | S2 | L3"}


@pytest.fixture(scope="module", params=LATENTS)
def fresh(request, sample, tmp_path_factory):
    """An evaluation of today, on images."""
    torch.manual_seed(0)
    vae = models.image_vae(LATENTS[request.param])
    run = inference.fit(vae, sample[::6], epochs=1, out=tmp_path_factory.mktemp("legacy") / "run")
    return analysis.evaluate(run, sample[::6], draws=2, at_most=12, pairs=6)


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    """An evaluation of today, on clouds."""
    changes = {"model.latent": "R1 | R2", "training.epochs": 1, "data.files": ["sample:w"], "data.limit": 100}
    run = inference.train(inference.read("jet-w", changes), tmp_path_factory.mktemp("legacy") / "clouds")
    return analysis.evaluate(run, draws=2, at_most=12, pairs=6)


def stripped(tree):
    """The tree as it used to be."""
    groups = {}
    for node in tree.subtree:
        group = node.to_dataset()
        lost = [name for name in LABELS if name in group.coords]
        groups[node.path] = group.drop_vars([*lost, *(["kind"] if "score" in group.coords else [])])
    old = xr.DataTree.from_dict(groups)
    old.attrs = tree.attrs
    return old


def assert_opens_as(tree, path):
    """Saved without labels it opens with them; angles were named to two digits, and are known to those."""
    old = stripped(tree)
    assert not any(name in group.coords for group in old.subtree for name in LABELS)
    found = store.open(store.save(old, path))
    assert set(found) == set(tree)
    for name in tree:
        own, expected = found[name].to_dataset(), tree[name].to_dataset()
        assert set(own.coords) == set(expected.coords), name
        if "value" in expected.coords:
            xr.testing.assert_allclose(own["value"], expected["value"], rtol=0.05, atol=1e-12)
            own, expected = own.drop_vars("value"), expected.drop_vars("value")
        xr.testing.assert_equal(own, expected)


def test_images(fresh, tmp_path):
    assert_opens_as(fresh, tmp_path / "old.nc")


def test_clouds(clouds, tmp_path):
    assert "traversals" in clouds
    assert_opens_as(clouds, tmp_path / "old.nc")


def test_trees_of_today_stay_as_they_are(fresh, tmp_path):
    xr.testing.assert_equal(store.open(store.save(fresh, tmp_path / "new.nc")), fresh)


def test_no_such_file(tmp_path):
    with pytest.raises(store.Missing, match=re.escape(f"{tmp_path / 'nowhere.nc'}: no such file")):
        store.open(tmp_path / "nowhere.nc")
