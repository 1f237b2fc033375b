"""The shapes of latent spaces, and which of them a shape of points allows."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.signature import allowed, compatible, signature, told
from analysis.measures.topology import ORDER


def shape_of(share, betti=(np.nan,) * 3, two_sides=True, judged=True):
    values = {"share": ("dimension", list(share)), "betti": ("degree", list(betti)), "orientable": two_sides}
    found = xr.Dataset(values, {"dimension": np.arange(1, len(share) + 1), "degree": range(3)})
    return found.assign_attrs(judged=int(judged))


@pytest.mark.parametrize(
    ("latent", "dimensions", "betti"),
    [
        ("R3", (3,), ((1, 0, 0),)),
        ("S1", (1,), ((1, 1, 0),)),
        ("S3", (3,), ((1, 0, 0),)),  # its one hole is of degree 3
        ("T3", (3,), ((1, 3, 3),)),
        ("S1 x S2", (3,), ((1, 1, 1),)),
        ("S1 x S1", (2,), ((1, 2, 1),)),
        ("R1 | S1 x R1", (1, 2), ((1, 0, 0), (1, 1, 0))),
        ("G2:3 | R0 | H2", None, None),
        ("S2(posterior=vmf)", (2,), ((1, 0, 1),)),
    ],
)
def test_signatures(latent, dimensions, betti):
    """By Kuenneth's formula, on paper."""
    found = signature(latent)
    if dimensions is None:
        assert found.dimensions == (2, 0, 2)
    else:
        assert found == (dimensions, betti)


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (shape_of([1.0, 0.0], [1, 0, 0]), ["R1"]),
        (shape_of([0.9, 0.1], [1, 1, 0]), ["S1"]),
        (shape_of([1.0, 0.0], [2, 2, 0]), ["S1 | S1"]),
        (shape_of([1.0, 0.0], [1, 2, 0]), []),  # a figure eight
        (shape_of([0.0, 1.0], [1, 1, 0]), ["S1 x R1"]),
        (shape_of([0.0, 1.0], [1, 1, 0], two_sides=False), []),  # a Moebius strip
        (shape_of([0.5, 0.5], [1, 0, 0]), ["R1 | R2"]),  # that meet
        (shape_of([0.5, 0.5], [1, 1, 0]), ["R1 | R2"]),  # twice
        (shape_of([0.5, 0.5], [2, 1, 0]), []),  # a circle and a plane
        (shape_of([0.5, 0.5], [2, 0, 0]), ["R1 | R2"]),
        (shape_of([0.5, 0.5], [3, 0, 0]), []),
        (shape_of([0.0, 1.0, 0.0], [1, 2, 1]), ["T2"]),
        (shape_of([0.0, 0.0, 1.0], [1, 0, 1]), []),  # S2 x R1
        (shape_of([0.0, 0.0, 0.0, 0.0, 0.6, 0.4], judged=False), []),
        (shape_of([0.0, 0.0, 1.0], judged=False), ["S2", "T2", "R2", "S1 x R1", "R1 | R2", "R3"]),
        (None, list(ORDER)),
    ],
)
def test_what_a_shape_allows(found, names):
    assert allowed(found, ORDER) == names


def test_what_is_no_manifold_of_ours_is_not_judged():
    assert compatible(shape_of([1.0], [1, 0, 0]), "D3 x R1") is None
    assert allowed(shape_of([1.0], [1, 0, 0]), ["D3", "S1"]) == ["D3"]


def test_told():
    assert told(shape_of([0.0, 1.0], [1, 2, 1])) == "2 dimensions, 1 piece, 2 loops, 1 cavity"
    assert told(shape_of([0.0, 1.0], [1, 1, 0], False)) == "2 dimensions, 1 piece, 1 loop, 0 cavities, one side"
    assert told(shape_of([0.5, 0.5], judged=False)).startswith("1 and 2 dimensions, and are too sparse")
