"""Observables of jets that are known."""

import numpy as np
import torch

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
