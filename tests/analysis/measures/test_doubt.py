"""A name, one of several, or none: from evidence, shape and density made by hand."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.doubt import answer, decided, objection, sentence
from analysis.measures.topology import describe, rank

CIRCLE, EIGHT, SPARSE = [1, 1, 0], [1, 2, 0], None
JETS = 400


def tree_of(means, lead, betti=SPARSE, candidates="R1; S1; T2", scatter=0.0):
    """Evidence of raced candidates, a density that leads the best by ``lead`` +- scatter/20, points on a curve."""
    common = np.random.default_rng(0).normal(size=(1, 1, JETS))
    values = np.stack([common + mean for mean in means.values()])
    dims = ("topology", "beta", "seed", "jet")
    noise = scatter * np.random.default_rng(1).permutation(np.linspace(-1.7, 1.7, JETS))
    stats = xr.Dataset(
        {
            "log_evidence": (dims, values),
            "elbo": (dims, values),
            "reference": (dims[1:], common + max(means.values()) + lead + noise),
        },
        {"topology": list(means), "beta": [0.1], "seed": [0]},
    )
    groups = {"sample_stats": stats}
    if betti is not SPARSE:
        seen = xr.Dataset({"share": ("dimension", [1.0, 0.0]), "betti": ("degree", betti), "orientable": True})
        groups["shape"] = seen.assign_coords(dimension=[1, 2], degree=range(3)).assign_attrs(judged=1)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs |= {"restarts": 1, "candidates": candidates}
    return tree


ALL = {"S1": 0.0, "R1": -0.3, "T2": 0.01}


@pytest.mark.parametrize(
    ("means", "lead", "betti", "kind", "left"),
    [
        ({"S1": 0.0}, -0.01, CIRCLE, "this", {"S1"}),  # shape and density agree
        (ALL, -0.01, CIRCLE, "this", {"S1"}),  # a torus imitates it, the shape does not allow one
        (ALL, 0.04, CIRCLE, "this", {"S1"}),  # a lead within the band
        (ALL, 0.06, CIRCLE, "of", {"S1", "T2"}),  # beyond
        (ALL | {"S1": -0.2}, -0.01, CIRCLE, "of", {"S1", "T2"}),  # shape and evidence disagree
        ({"R1": -0.3, "T2": 0.01}, 0.2, CIRCLE, "of", {"S1", "T2"}),
        (ALL, -0.01, EIGHT, "of", {"S1", "T2"}),  # the shape of none, but described well
        (ALL, 0.2, EIGHT, "none", set()),
        (ALL, -0.01, SPARSE, "of", {"S1", "T2"}),  # nothing is known of the shape
        ({"S1": 0.0}, -0.01, SPARSE, "of", {"S1"}),
    ],
)
def test_answers(means, lead, betti, kind, left):
    tree = tree_of(means, lead, betti)
    found = answer(tree, rank(tree))
    assert (found.kind, set(found.topologies)) == (kind, left)
    assert bool(found.reasons) == (kind != "this")


def test_a_lead_counts_beyond_two_errors():
    """Scatter 1 over 400 points: an error of 0.05, so that a lead of 0.08 is none and one of 0.15 is."""
    tree = tree_of({"S1": 0.0}, 0.08, CIRCLE, scatter=1.0)
    assert objection(tree, rank(tree)) == ""
    tree = tree_of({"S1": 0.0}, 0.15, CIRCLE, scatter=1.0)
    assert "better than S1, by 0.15 +- 0.05 nat" in objection(tree, rank(tree))


def test_sentences():
    tree = tree_of(ALL, 0.2, EIGHT)
    found = answer(tree, rank(tree))
    said = sentence(found)
    assert said.startswith("none of these: the points have 1 dimension, 1 piece, 2 loops, 0 cavities, which is")
    assert "chosen" not in "\n".join(describe(decided(rank(tree), found)))
    tree = tree_of(ALL, -0.01, CIRCLE)
    found = answer(tree, rank(tree))
    assert sentence(found) == "S1"
    lines = describe(decided(rank(tree), found))
    assert [line.split()[0] for line in lines if "<- chosen" in line] == ["S1"]
