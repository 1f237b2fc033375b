"""Legends leave curves, and shades follow the reader's light or dark setting."""

import numpy as np
import pytest

from analysis.figures.style import figure_of
from analysis.report.legends import clear_of_curves, covers
from analysis.report.page import svg

X = np.linspace(0, 1, 50)


def lines(axes, place):
    """Two curves that cross the panel everywhere, or one at its foot."""
    for k in range(8):
        axes.plot(X, 0.5 + 0.5 * np.sin(20 * X + k) if place == "everywhere" else 0 * X, label=f"curve {k}")
    axes.set_ylim(0, 1)
    axes.legend(title="curves")


def steps(axes, place):
    axes.stairs(np.ones(20) if place == "everywhere" else 0.05 * np.ones(20), np.linspace(0, 1, 21), label="steps")
    axes.set_ylim(0, 1.1)
    axes.legend(loc="upper center")


def markers(axes, place):
    values = np.random.default_rng(0).random((2, 500)) * [[1], [1 if place == "everywhere" else 0.1]]
    axes.scatter(*values, label="jets")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper right")


@pytest.mark.parametrize("draw", [lines, steps, markers])
@pytest.mark.parametrize("place", ["everywhere", "below"])
def test_a_legend_leaves_what_it_covers(draw, place):
    figure = figure_of(draw, place, size=(4, 3))
    height, said = figure.get_figheight(), [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    clear_of_curves(figure)
    if place == "below":
        assert figure.axes[0].get_legend() is not None
        assert figure.get_figheight() == height
        return
    (legend,) = figure.legends
    assert figure.axes[0].get_legend() is None
    assert [text.get_text() for text in legend.get_texts()] == said
    assert figure.get_figheight() > height
    figure.draw_without_rendering()
    assert legend.get_window_extent().y0 >= figure.axes[0].bbox.y1
    assert legend.get_window_extent().width <= figure.bbox.width
    clear_of_curves(figure)
    assert len(figure.legends) == 1


def test_a_legend_with_a_place_of_its_own_stays():
    def above(axes):
        axes.plot(X, X, label="one")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1))

    figure = clear_of_curves(figure_of(above, size=(4, 3)))
    assert figure.axes[0].get_legend() is not None


@pytest.mark.parametrize("grey", ["0.9", "0.92", "0.93"])
def test_a_shade_is_dark_on_dark_ground(grey):
    """It is named in the style sheet, which has a dark one; figures without shades keep their text."""
    figure = figure_of(lambda axes: axes.axvspan(0, 1, color=grey), size=(3, 2))
    text = svg(figure, "shade")
    assert "fill: var(--span, #e" in text
    assert "var(--span" not in svg(figure_of(lambda axes: axes.plot(X, X), size=(3, 2)), "line")


def test_covering_is_measured():
    figure = figure_of(lines, "everywhere", size=(4, 3))
    figure.draw_without_rendering()
    assert covers(figure.axes[0])
