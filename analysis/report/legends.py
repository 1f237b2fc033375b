"""Legends of a page's figures: none lies on what it explains."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from analysis.figures.style import house

WIDEST = 0.95
"""Part of a figure's width that a row of a legend may take."""
LARGEST = 8.0
"""Size of a legend above the panels [points], at most."""


def clear_of_curves(figure: Figure) -> Figure:
    """Move each legend that lies on a curve, step or marker of its axes above the panels; return the figure.

    The figure grows by what the legend takes. A figure whose layout is not constrained stays as it is.
    """
    inside = [axes for axes in figure.axes if within(axes)]
    if inside and figure.get_constrained_layout():
        with house():
            figure.draw_without_rendering()
            for axes in [axes for axes in inside if covers(axes)]:
                move_above(figure, axes)
    return figure


def within(axes: Axes) -> bool:
    """Whether axes have a legend that is placed in them, and not at a place of its own."""
    legend = axes.get_legend()
    return legend is not None and legend.get_bbox_to_anchor().bounds == axes.bbox.bounds


def covers(axes: Axes) -> bool:
    """Whether the legend of drawn axes lies on a line, a step or a marker; shaded bands and spans may lie below it."""
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    paths = [(line.get_path(), line.get_transform()) for line in axes.lines if line.get_visible()]
    paths += [(patch.get_path(), patch.get_transform()) for patch in axes.patches]
    lines = [drawn for drawn in axes.collections if isinstance(drawn, LineCollection)]
    paths += [(path, drawn.get_transform()) for drawn in lines for path in drawn.get_paths()]
    return any(path.transformed(to).intersects_bbox(box, filled=False) for path, to in paths) or marked(axes, box)


def marked(axes: Axes, box: Bbox) -> bool:
    """Whether a marker of drawn axes, or a corner of a step, lies in a box."""
    places = [patch.get_transform().transform(patch.get_path().vertices) for patch in axes.patches]
    for drawn in axes.collections:
        if isinstance(drawn, PathCollection):
            places.append(drawn.get_offset_transform().transform(np.asarray(drawn.get_offsets())))
    return any(bool(box.count_contains(np.asarray(place, float))) for place in places if len(place))


def move_above(figure: Figure, axes: Axes) -> None:
    """Put the legend of axes above all panels, in as many columns as fit, and make room for it."""
    old = axes.get_legend()
    assert old is not None
    texts = [text.get_text() for text in old.get_texts()]
    size = min(LARGEST, float(old.get_texts()[0].get_fontsize()))
    widest = max(text.get_window_extent().width * size / float(text.get_fontsize()) for text in old.get_texts())
    entry = widest + 4.5 * size * figure.dpi / 72
    columns = int(np.clip(WIDEST * figure.bbox.width // entry, 1, len(texts)))
    title, handles = old.get_title().get_text(), [handle for handle in old.legend_handles if handle is not None]
    old.remove()
    new = figure.legend(handles, texts, loc="outside upper center", ncols=columns, fontsize=size, title=title or None)
    figure.set_figheight(figure.get_figheight() + new.get_window_extent().height / figure.dpi)
