"""Texts of a figure that come from somebody's file: names that are no mathematics, or longer than a figure is wide."""

from __future__ import annotations

from matplotlib.axis import Axis
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

LONGEST = 48
"""Characters of a label; of a longer one the middle is left out."""


def legible(text: str) -> str:
    r"""Return a label as matplotlib can set it: mathematics stays, a name that only resembles it is set as it is.

    >>> legible(r"$p_T$ [GeV]"), legible(r"$\frac{$")
    ('$p_T$ [GeV]', '\\$\\frac{\\$')
    >>> len(legible("y" * 200))
    48
    """
    if len(text) > LONGEST:
        half = (LONGEST - 1) // 2
        text = f"{text[: LONGEST - 1 - half]}…{text[-half:]}"
    if not is_math_text(text):
        return text
    try:
        MathTextParser("path").parse(text, 72, FontProperties())
    except ValueError:
        return text.replace("$", r"\$")
    return text


def make_legible(figure: Figure) -> None:
    """Set all texts of a figure as :func:`legible` does, labels of ticks included."""
    for text in figure.findobj(Text):
        text.set_text(legible(text.get_text()))
    for axis in figure.findobj(Axis):
        if isinstance(axis.get_major_locator(), FixedLocator):
            said = [label.get_text() for label in axis.get_ticklabels()]
            if list(map(legible, said)) != said:
                axis.set_ticklabels(list(map(legible, said)))
