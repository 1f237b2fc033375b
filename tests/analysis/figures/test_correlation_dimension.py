"""The figure of the correlation dimension: what it must show about jets, from a few of them."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.evaluation.pair_distances import own_pt
from analysis.figures.correlation_dimension import draw_jets
from analysis.measures.correlation_dimension import Dimension
from jets import Jets
from jetvae.__main__ import main


def test_jets_have_more_dimensions_below_their_mass(tmp_path, capsys):
    """W and top jets lie above QCD jets just below their masses; all have hardly any dimensions at large scales."""
    file = tmp_path / "dimension.png"
    few = ["--jets", "200", "--points", "100", "250", "--seeds", "2", "--matrices", str(tmp_path), "--pt", "600"]
    assert main(["draw", "correlation", "--out", str(file), *few]) == 0
    assert file.stat().st_size > 10_000
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"wrote {file}"
    curves = {}
    for line in lines:
        name, _, values = line.partition(": ")
        if "GeV" in values:
            found = (part.split(" GeV: ") for part in values.split(", "))
            curves[name] = {int(scale): float(value.split("+-")[0]) for scale, value in found}
    assert list(curves) == ["qcd", "w", "top"]
    assert curves["w"][66] > 2 * curves["qcd"][66]
    assert curves["top"][99] > 2 * curves["w"][99]
    assert max(curve[max(curve)] for curve in curves.values()) < 0.3
    assert {file.name for file in tmp_path.glob("*.h5")} == {"qcd.h5", "w.h5", "top.h5"}


def test_scale_of_the_sample_itself():
    """The recorded median where there is one, else that of the constituents' sum."""
    constituents = np.array([[[60.0, 0.1, 0.0], [30.0, -0.2, 0.0]], [[100.0, 0.1, 0.0], [10.0, -0.2, 0.0]]])
    sample = Jets(constituents.astype(np.float32), np.zeros(2, np.uint8), ("qcd",))
    assert own_pt(sample) == pytest.approx(100)
    beside = Jets(constituents, np.zeros(2, np.uint8), ("qcd",), {"pt": np.array([np.nan, 120.0])})
    assert own_pt(beside) == pytest.approx(105)  # of 90, of which the file has none, and 120


@pytest.mark.parametrize(
    ("kinds", "pt", "marked"),
    [
        (["qcd", "w", "top"], 600, ["$m_W$", "$m_t$"]),
        (["qcd", "z"], 600, []),
        (["w"], 50, []),
        (["top"], 600, ["$m_t$"]),
    ],
)
def test_masses_are_marked_where_they_make_sense(kinds, pt, marked):
    scale = np.geomspace(8, 300, 18) * pt / 600
    axes = Figure().subplots()
    draw_jets(axes, dict.fromkeys(kinds, Dimension(scale, *np.ones((3, 18)))), pt)
    assert [text.get_text() for text in axes.texts] == marked
