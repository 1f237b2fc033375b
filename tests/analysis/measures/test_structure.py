"""What is said of a structure, and what is said against it."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.structure import doubts, meanings, members, sentences, verdict
from tests.analysis.known_structure import tree_of


def test_sides_and_who_is_on_them():
    tree = tree_of()
    assert verdict(tree) == "S1 | R2: a category of 2, then 60 % S1, 40 % R2"
    assert members(tree) == ["side 0 (S1): 10 qcd, 20 w", "side 1 (R2): 10 qcd, 20 w"]
    assert verdict(tree_of(latents=["S1"])) == "S1: one manifold"
    assert members(tree_of(latents=["S1"])) == []


def test_what_latents_go_with():
    """Nothing is said of a weak correlation, nor of one that is not known."""
    assert meanings(tree_of()) == [
        "0: S1_0: 2.00 nat, moves points by 10 GeV, correlated with mass (+0.90)",
        "1: R_0: 1.00 nat, moves points by 5 GeV, correlated with width (-0.95)",
        "1: R_1: 0.50 nat, moves points by 1 GeV",
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"lead": 0.051}, "a density without structure describes the points better, by 0.051 +- 0.01 nat"),
        ({"level": ("R1", "")}, "the points do not distinguish S1 from R1"),
        ({"latents": ("R8", "S1 x R8")}, "there may be more"),
    ],
)
def test_doubts(changed, reason):
    assert doubts(tree_of()) == []
    assert reason in "; ".join(doubts(tree_of(**changed)))
    assert f"in doubt: {doubts(tree_of(**changed))[0]}" in sentences(tree_of(**changed))


def test_the_shape_of_the_points_can_contradict():
    tree = tree_of(latents=["S1"])
    shape = xr.Dataset({"share": ("dimension", [0.0, 1.0]), "betti": ("degree", [1.0, 2, 1]), "orientable": True})
    shape = shape.assign_coords(dimension=[1, 2], degree=np.arange(3)).assign_attrs(judged=1)
    tree["shape"] = xr.DataTree(shape)
    assert doubts(tree) == ["the points have 2 dimensions, 1 piece, 2 loops, 1 cavity, which is not its shape"]
    tree.attrs["latent"] = "T2"
    assert doubts(tree) == []
