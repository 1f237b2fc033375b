"""The page of a search, and its table of points."""

import numpy as np
import xarray as xr

from analysis.report.discovery import discovered, points_table
from tests.analysis.known_structure import POINTS, tree_of


def test_the_page_tells_what_was_found_tried_and_doubted(tmp_path):
    page = discovered(tree_of(lead=0.2), POINTS)
    text = page.save(tmp_path / "page.html").read_text()
    for part in (
        "Structures found: S1 | R2",
        "a.h5, b.h5 at beta = 10 GeV: 45 points to train on, 15 held out",
        "a category of 2, then 60 % S1, 40 % R2",
        "On all points: R0 -&gt; S1. It ends there: of 3 manifolds",
        "1 attempt to part or merge, 1 followed",
        "All 4 races",
        "width (-0.95)",
        "A density without structure describes the points better",
    ):
        assert part in text, part
    assert text.count("<svg") == 2


def test_doubts_keep_the_names_of_manifolds():
    text = discovered(tree_of(lead=0.2, level=("R1", "")), POINTS).html()
    assert "the points do not distinguish S1 from R1" in text
    assert "describes held-out points worse by 0.030" in discovered(tree_of(lead=-0.03), POINTS).html()


def test_a_page_without_latents_partings_or_doubts():
    tree = tree_of(latents=["R0"])
    tree["partings"] = xr.DataTree(xr.Dataset())
    tree["factors"] = xr.DataTree(xr.Dataset(coords={"factor": np.zeros(0, str)}))
    text = discovered(tree, POINTS[:, :1]).html()
    for part in (
        "No way to part the points was found",
        "there is no latent",
        "Nothing that was looked at",
        "not drawn",
    ):
        assert part in text, part


def test_a_row_for_each_point():
    table = points_table(tree_of())
    assert list(table.columns) == ["number", "class", "side", "log_p", "probability_0", "probability_1"]
    assert len(table) == 60
    assert (table["side"] == table[["probability_0", "probability_1"]].to_numpy().argmax(1)).all()
