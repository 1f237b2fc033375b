"""Sections of a page, and the page: one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import xarray as xr
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, house
from analysis.report.legends import clear_of_curves
from analysis.store import Missing
from jets.files import replacing

INK = {"#000000": "currentColor"} | {colour: f"var(--c{i}, {colour})" for i, colour in enumerate(COLOURS)}
"""Colour of a drawing -> what the page puts there, so that it is read on light and on dark ground."""

SPAN = r"#(e[0-9a-f])\1\1\b"
"""Light greys, which shade a part of a figure below its curves; dark on dark ground, so that those stay legible."""


@dataclass(frozen=True)
class Table:
    """A table of the page; the first cell of each row is its head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: int | None = None
    """Row to be set in bold."""
    folded: str = ""
    """Title under which it is folded away; shown where there is none."""


@dataclass(frozen=True)
class Widget:
    """Something to move or to point at, drawn in the browser by ``html/report.js`` from ``data``."""

    kind: str
    """``slider`` or ``map``."""
    data: dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One finding: what it says, and the figure, table or widget that shows it.

    Attributes
    ----------
    name
        Of the files that it becomes; unique on the page.
    reading
        The finding in words, computed.
    caption
        What the figure draws; without one, what the table lists.
    figure, table, widget
        What shows it.
    numbers
        What the figure draws, labelled, with units.
    text
        To be folded away as it is.
    missing
        Why there is nothing.
    warning
        Whether the reading is bad news.
    verdict
        The answer in short, for the head of the page; the reading's first sentence where empty.
    """

    name: str
    reading: str
    caption: str = ""
    figure: Figure | None = None
    table: Table | None = None
    widget: Widget | None = None
    numbers: xr.Dataset = field(default_factory=xr.Dataset)
    text: str = ""
    missing: str = ""
    warning: bool = False
    verdict: str = ""

    @property
    def short(self) -> str:
        """The answer in a sentence, or why there is none; nothing of a part without words."""
        unknown = f"Not known: {first_sentence(self.missing, ';')}" if self.missing else ""
        return self.verdict or first_sentence(self.reading) or unknown


@dataclass(frozen=True)
class Section:
    """A question and the parts of its answer; ``beside``, those of a second run."""

    name: str
    question: str
    parts: Sequence[Part]
    beside: Sequence[Part] = ()

    @property
    def verdict(self) -> str:
        """The answer in short: of the first part that has one, else of the first that says something."""
        ranked = sorted(self.parts, key=lambda part: (not part.verdict, not part.reading))
        return ranked[0].short if ranked else ""

    @property
    def warns(self) -> bool:
        """Whether any part is bad news."""
        return any(part.warning for part in self.parts)


@dataclass(frozen=True)
class Question:
    """What a file of :mod:`analysis.report.sections` holds: a question, and what makes each part of its answer."""

    name: str
    question: str
    answers: Sequence[Callable[[Any], Part | None]]

    def answered(self, known: object) -> Section:
        """Return the section; of a part that needs what is not there, the reason; without parts that do not apply."""
        parts = [attempted(answer, known) for answer in self.answers]
        return Section(self.name, self.question, [part for part in parts if part is not None])


def first_sentence(text: str, ends: str = "") -> str:
    """Return a text up to its first full stop that ends a sentence, or up to one of the characters ``ends``.

    >>> first_sentence("The loss fell by 0.09 nat. Stop here."), first_sentence("no range; train one", ";")
    ('The loss fell by 0.09 nat.', 'no range')
    """
    return re.split(rf"(?<=\.)\s+(?=\S)|[{re.escape(ends)}]" if ends else r"(?<=\.)\s+(?=\S)", text, maxsplit=1)[0]


def attempted(answer: Callable[[Any], Part | None], known: object) -> Part | None:
    """Return a part, or why there is none."""
    try:
        return answer(known)
    except Missing as error:
        return Part(answer.__name__, "", missing=str(error))


@dataclass(frozen=True)
class Page:
    """A page to be written.

    Attributes
    ----------
    title, lead
        Its head, and the line below it.
    sections
        In the order of the page.
    notes
        What the reader must know first.
    columns
        Heads of the two columns where two runs stand side by side.
    box
        Whether the answers in short end with a list of the warnings.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    columns: Sequence[str] = ()
    box: bool = False

    def html(self) -> str:
        """Return its text."""
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters["svg"] = lambda figure, name: Markup(svg(figure, name))
        environment.filters["inert"] = inert
        home = files("analysis.report") / "html"
        texts = {name: Markup((home / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js")}
        template = environment.from_string((home / "report.html.j2").read_text(encoding="utf-8"))
        return template.render(vars(self), css=texts["report.css"], js=texts["report.js"])

    def save(self, path: str | Path) -> Path:
        """Write it, atomically; return the path."""
        with replacing(path) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")
        return Path(path)


def inert(data: object) -> Markup:
    """Return JSON that can stand in a script element."""
    return Markup(json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element whose ids are unique on the page, which scales and follows its colours."""
    buffer = io.StringIO()
    clear_of_curves(figure)
    with house():
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for colour, replacement in INK.items():
        text = text.replace(colour, replacement)
    text = re.sub(SPAN, r"var(--span, \g<0>)", text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", text)
    size = re.search(r'<svg [^>]*?width="([\d.]+)pt"', text)
    width = float(size.group(1)) / 12 if size else 30.0
    head = re.sub(r'(width|height)="[\d.]+pt"', "", text[: text.index(">")])
    style = f'style="width: {width:.1f}rem; min-width: {width / 2:.1f}rem"'
    return f'{head} role="img" fill="currentColor" aria-labelledby="{name}-caption" {style}{text[text.index(">") :]}'


def png_uri(content: bytes) -> str:
    """Return a PNG as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
