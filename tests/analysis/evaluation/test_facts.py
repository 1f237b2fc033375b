"""Observables of jets under names that a tree can hold, none lost to another of the same name."""

import numpy as np
import xarray as xr

import jets
from analysis.evaluation.facts import constant_data
from analysis.measures.observables import shape

RANDOM = np.random.default_rng(0)


def test_columns_keep_their_numbers_whatever_their_names():
    w = jets.load("sample:w")[:5]
    numbers = [np.full(5, k, np.float32) for k in range(6)]
    sample = jets.Jets(
        w.constituents,
        w.label,
        w.classes,
        jet={"mass": numbers[0]},
        subst={"tau2/tau1": numbers[1], "mass": numbers[2], "width": numbers[3]},
        truth={"mass": numbers[4], "jet": numbers[5]},
    )
    found = xr.DataTree.from_dict({"constant_data": constant_data(sample)})["constant_data"]
    expected = ("jet_mass", "tau2_over_tau1", "mass", "subst_width", "truth_mass", "truth_jet")
    for name, values in zip(expected, numbers, strict=True):
        np.testing.assert_array_equal(found[name], values)
    np.testing.assert_array_equal(found["width"], shape(w.constituents)["width"])


def test_no_two_columns_become_one():
    """Names that the making of names runs into."""
    w = jets.load("sample:w")[:5]
    groups = {
        "jet": ["a/b", "a_over_c", "c", "weight"],
        "subst": ["jet_c", "d", "truth_d", "weight", "."],
        "truth": ["d", "subst_jet_c", "event", "..", "class_name"],
    }
    columns = {group: {name: RANDOM.normal(size=5) for name in found} for group, found in groups.items()}
    found = constant_data(jets.Jets(w.constituents, w.label, w.classes, **columns))
    stored = {tuple(found[name].values.tolist()) for name in found if name not in ("class_name", "width", "axis")}
    given = {tuple(np.float32(x).tolist()) for group in columns.values() for x in group.values()}
    assert stored == given
    assert not {"weight", "event", ".", ".."} & set(found)


def test_columns_of_the_sample_have_their_own_names():
    sample = jets.load("sample:top")[:3]
    names = {*(f"jet_{name}" for name in sample.jet), *sample.subst, *sample.truth}
    assert names < set(constant_data(sample).data_vars)
