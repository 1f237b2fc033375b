"""Paths that carry information, on steps and KL made by hand."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.information import ACTIVE
from analysis.measures.paths import MOST, informed_paths, step_title

TERMS = {"M2": ("M2", ""), "M2_R1_0": ("M2_R1", "M2_R1_0"), "M2_R2_0": ("M2_R2", "M2_R2_0"), "S2": ("S2", "")}
"""KL term -> its factor and coordinate."""
STEPS = {
    "M2_0": ("M2", "M2", ""),
    "M2_1": ("M2", "M2", ""),
    "M2_R1_0 = -1": ("M2_R1_0", "M2_R1", "M2_R1_0"),
    "M2_R1_0 = 1": ("M2_R1_0", "M2_R1", "M2_R1_0"),
    "M2_R2_0 = 1": ("M2_R2_0", "M2_R2", "M2_R2_0"),
    "S2 = 0": ("S2", "S2", ""),
    "S2 = 0.79": ("S2", "S2", ""),
}
"""Step -> its path, factor and coordinate."""


def tree_of(nats, terms=TERMS):
    factor, coordinate = zip(*terms.values(), strict=True)
    labels = {"kl_term": list(terms), "factor": ("kl_term", list(factor))}
    labels |= {"coordinate_name": ("kl_term", list(coordinate))}
    return xr.DataTree.from_dict({"information": xr.Dataset({"kl": (("jet", "kl_term"), [nats, nats])}, labels)})


def steps_of(steps=STEPS):
    path, factor, coordinate = (("step", list(column)) for column in zip(*steps.values(), strict=True))
    labels = {"step": list(steps), "path": path, "factor": factor, "coordinate_name": coordinate}
    return xr.DataArray(np.zeros(len(steps)), labels, ["step"])


@pytest.mark.parametrize(
    ("nats", "expected"),
    [
        ([0.6, 2.0, 0.0, 1.0], ["M2_R1_0", "S2", "M2"]),  # most first; what carries nothing is left out
        ([0.6, 2.0, ACTIVE, 1.0], ["M2_R1_0", "S2", "M2", "M2_R2_0"]),
        ([0.0, 0.0, 0.05, 0.01], ["M2_R2_0"]),  # none is active: the one of most KL
        ([0.0, 0.0, 0.0, 0.0], ["M2", "M2_R1_0", "M2_R2_0", "S2"]),  # no KL at all, of an autoencoder: all
    ],
)
def test_informed_paths(nats, expected):
    assert list(informed_paths(tree_of(nats), steps_of())) == expected


def test_steps_of_each_path():
    found = informed_paths(tree_of([0.6, 2.0, 0.3, 1.0]), steps_of())
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "M2_R1_0": [2, 3],
        "S2": [5, 6],
        "M2": [0, 1],
        "M2_R2_0": [4],
    }


def test_paths_are_few():
    names = [f"R20_{i}" for i in range(20)]
    tree = tree_of(np.arange(20.0), {name: ("R20", name) for name in names})
    found = informed_paths(tree, steps_of({f"{name} = 1": (name, "R20", name) for name in names}))
    assert list(found) == names[: -MOST - 1 : -1]


def test_titles_of_steps():
    assert [step_title(path, step) for step, (path, _, _) in STEPS.items()] == ["0", "1", "-1", "1", "1", "0", "0.79"]
