"""One look for all figures: colour-blind safe, units on every axis, no decoration; and the one maker of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

from analysis.figures.texts import make_legible

COLOURS = ("#3f90da", "#e76300", "#94a4a2", "#832db6", "#a96b59", "#b9ac70")
"""Petroff's six-colour cycle (2107.02270), made for colour-vision deficiency; the LHC experiments use it."""
IMAGE_MAP = "magma"
DARKEST = 1e-5
"""Smallest pixel value of a jet image, a share of pT, that gets a colour."""
CLASSES = {"qcd": ("QCD", COLOURS[0]), "w": ("W", COLOURS[1]), "top": ("top", COLOURS[3])}
"""Class of jets -> how figures write it, and its colour, the same in all of them."""
LINES = (*COLOURS[:2], *COLOURS[3:])
"""Colours of lines beside a reference, which is grey."""

SETTINGS: dict[Any, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": True,
    "axes.spines.right": True,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "jetvae",
}


def colour_of(number: int) -> str:
    """Return the colour of the class of this number; after six they repeat.

    >>> colour_of(0) == colour_of(6) == COLOURS[0]
    True
    """
    return COLOURS[number % len(COLOURS)]


def class_label(name: str) -> str:
    """Return how figures write the name of a class.

    >>> class_label("qcd"), class_label("gluon")
    ('QCD', 'gluon')
    """
    return CLASSES[name.lower()][0] if name.lower() in CLASSES else name


def class_colours(names: Iterable[str]) -> dict[str, str]:
    """Return class -> colour: known classes have theirs in every figure, others what these leave, grey last.

    >>> class_colours(["top", "gluon"]) == {"top": CLASSES["top"][1], "gluon": COLOURS[0]}
    True
    """
    wanted = list(names)
    known = {name: CLASSES[name.lower()][1] for name in wanted if name.lower() in CLASSES}
    free = [colour for colour in (*LINES, COLOURS[2]) if colour not in known.values()] or list(COLOURS)
    others = [name for name in wanted if name not in known]
    return known | {name: free[i % len(free)] for i, name in enumerate(others)}


@contextmanager
def house() -> Iterator[None]:
    """Draw in the house style within the block."""
    with mpl.rc_context(SETTINGS):
        yield


def figure_of(
    draw: Callable[..., None],
    *data: Any,
    size: tuple[float, float],
    grid: tuple[int, int] | None = None,
    share: tuple[Any, Any] = (False, False),
    heights: tuple[float, ...] | None = None,
    **options: Any,
) -> Figure:
    """Return a figure in the house style that ``draw(axes, *data, **options)`` fills.

    Every drawing function takes the axes that it draws on, so that a user can put several side by side.

    >>> figure_of(lambda axes, y: axes.plot(y), [1.0, 2.0], size=(3, 2)).axes[0].lines[0].get_ydata()
    array([1., 2.])

    Parameters
    ----------
    draw
        The drawing function.
    data, options
        What it draws.
    size
        Width and height [inch].
    grid
        Rows and columns of panels, which ``draw`` then takes as an array; one panel, as itself, by default.
    share
        Whether panels share x and y, as ``sharex`` and ``sharey`` of :func:`matplotlib.pyplot.subplots`.
    heights
        Relative heights of the rows.
    """
    with house():
        figure = Figure(figsize=size)
        if grid is None:
            draw(figure.subplots(), *data, **options)
        else:
            panels = figure.subplots(*grid, squeeze=False, sharex=share[0], sharey=share[1], height_ratios=heights)
            draw(panels, *data, **options)
        make_legible(figure)
    return figure
