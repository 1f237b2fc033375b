"""Reconstruction against complexity: the bands."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.complexity import complexity_bands, draw_band
from tests.analysis.studies.test_page import complexity


def test_jets_of_one_complexity_are_in_one_bin():
    """Half of the jets have all the constituents that a file holds: one point, not a vertical line."""
    axes = Figure().subplots()
    x = np.r_[np.arange(60), np.full(60, 60)].astype(float)
    draw_band(axes, x, x**2, "k", "qcd")
    centre, middle = axes.lines[0].get_data()
    assert (np.diff(centre) > 0).all()
    assert (centre[-1], middle[-1]) == (60, 3600)


def test_the_legend_stands_beside_the_panels():
    figure = complexity_bands(complexity(np.random.default_rng(0)), {"constituents": "constituents"})
    assert [axes.get_legend() for axes in figure.axes] == [None] * 2
    assert [text.get_text()[:3] for text in figure.legends[0].get_texts()] == ["QCD", "top"]
