"""Observables of jets that are known."""

import numpy as np
import torch
import xarray as xr

from analysis.measures.observables import OBSERVABLES, observables, shape
from jets.preprocess import rotate


def test_axis_is_that_of_the_rotation(sample):
    turned = rotate(torch.as_tensor(sample.constituents[:200])).numpy()
    centred = sample.constituents[:200].copy()
    there = centred[..., :1] > 0
    mean = (centred[..., :1] * centred[..., 1:]).sum(1, keepdims=True) / centred[..., :1].sum(1, keepdims=True)
    centred[..., 1:] = np.where(there, centred[..., 1:] - mean, 0)
    found = shape(rotate(torch.as_tensor(centred)).numpy())
    np.testing.assert_allclose(np.abs(found["axis"]), np.pi / 2, atol=2e-3)  # along phi
    np.testing.assert_allclose(found["width"], shape(sample.constituents[:200])["width"], rtol=1e-4)
    assert turned.shape == centred.shape


def test_observables_mark_what_is_missing(known_tree):
    seen = observables(known_tree)
    assert set(seen["observable"].values) < set(OBSERVABLES)
    assert 10 < int(np.isnan(seen.sel(observable="subjet sharing")).sum()) < 100
    assert float(seen.sel(observable="true sharing").min()) >= 0.5


def test_infinite_columns_of_an_older_tree_are_missing():
    """The direction to an infinite place, or a code that is no number, must not become a finite observable."""
    columns = dict.fromkeys(("jet_mass", "tau1", "tau2", "R_g", "b_dphi", "b_deta", "parton_id"), 1.0)
    for name in columns:
        known = {other: ("jet", [value, np.inf if other == name else value]) for other, value in columns.items()}
        seen = observables(xr.DataTree.from_dict({"constant_data": xr.Dataset(known)}))
        bad = [each for each in seen["observable"].values if not np.isfinite(seen.sel(observable=each)[1])]
        assert bad == [each for each in seen["observable"].values if name in OBSERVABLES[each].columns]
        assert np.isfinite(seen[0]).all()
