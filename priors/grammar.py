"""Read a latent string: ``R4 x L2(alpha=.9)``.

Grammar::

    space   = factor { "x" factor }
    factor  = letter dimension [ "(" options ")" ] | "(" space ")"
    options = option { "," option } ;  option = name "=" value { "," value }
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from priors.families import FAMILIES
from priors.latent import Latent
from priors.space import Space

TOKEN = re.compile(
    r"\s*(?:(?P<factor>[A-Z][A-Za-z]*?)(?P<dim>\d+)|(?P<op>x(?![A-Za-z])|[()=,])"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*))"
)


class LatentStringError(ValueError):
    """A latent string cannot be read; the message shows the place and the remedy."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        super().__init__(f"latent string: {problem}\n  {text}\n  {' ' * position}^")
        self.text, self.position, self.problem = text, position, problem


def parse(text: str) -> Space:
    """Return the latent space that ``text`` names; ``parse(str(space)) == space``.

    >>> parse("R4 x L2(alpha=.9,.9)")
    R4 x L2(alpha=0.9)

    Raises
    ------
    LatentStringError
        Unknown family, wrong option or syntax; the message points at the position.
    """
    return _Parser(text).read()


class _Parser:
    """Recursive descent over the tokens of one string."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokenise())
        self.index = 0

    def _tokenise(self) -> Any:
        position, end = 0, len(self.text.rstrip())
        while position < end:
            match = TOKEN.match(self.text, position)
            if match is None:
                start = position + len(self.text[position:]) - len(self.text[position:].lstrip())
                raise LatentStringError(self.text, start, f"unexpected {self.text[start]!r}")
            position = match.end()
            kind = "factor" if match["factor"] else match.lastgroup
            yield kind, match, match.start(kind)
        yield "end", None, end

    def _peek(self, *operators: str) -> bool:
        kind, match, _ = self.tokens[self.index]
        return kind == "op" and match["op"] in operators

    def _fail(self, problem: str) -> Any:
        raise LatentStringError(self.text, self.tokens[self.index][2], problem)

    def _expect(self, operator: str) -> None:
        if not self._peek(operator):
            self._fail(f"expected {operator!r}")
        self.index += 1

    def read(self) -> Space:
        space = self._product()
        if self.tokens[self.index][0] != "end":
            self._fail("expected 'x' or the end")
        return space

    def _product(self) -> Space:
        factors: list[Latent | Space] = [self._factor()]
        while self._peek("x"):
            self.index += 1
            factors.append(self._factor())
        return Space(*factors)

    def _factor(self) -> Latent | Space:
        if self._peek("("):
            self.index += 1
            inner = self._product()
            self._expect(")")
            return inner
        kind, match, position = self.tokens[self.index]
        if kind != "factor":
            self._fail(f"expected a factor such as R4, one of {', '.join(FAMILIES)} with its dimension")
        if match["factor"] not in FAMILIES:
            near = difflib.get_close_matches(match["factor"], FAMILIES, 1, 0.0)
            self._fail(
                f"unknown family {match['factor']!r}; known: {', '.join(FAMILIES)}"
                + (f" (nearest: {near[0]}{match['dim']})" if near else "")
            )
        self.index += 1
        options = self._options() if self._peek("(") else {}
        try:
            return FAMILIES[match["factor"]](int(match["dim"]), **options)
        except (TypeError, ValueError) as error:
            raise LatentStringError(self.text, position, str(error)) from error

    def _options(self) -> dict[str, Any]:
        self._expect("(")
        options: dict[str, Any] = {}
        while not self._peek(")"):
            kind, match, _ = self.tokens[self.index]
            if kind != "name":
                self._fail("expected an option such as alpha=1,.25")
            self.index += 1
            self._expect("=")
            options[match["name"]] = self._values()
        self.index += 1
        return options

    def _values(self) -> Any:
        values = [self._value()]
        while self._peek(","):
            self.index += 1
            if self.tokens[self.index][0] == "name" and self._is_option():
                break
            values.append(self._value())
        return values[0] if len(values) == 1 else tuple(values)

    def _is_option(self) -> bool:
        kind, match, _ = self.tokens[self.index + 1]
        return kind == "op" and match["op"] == "="

    def _value(self) -> float | str:
        kind, match, _ = self.tokens[self.index]
        if kind not in ("number", "name"):
            self._fail("expected a number or a word")
        self.index += 1
        return float(match["number"]) if kind == "number" else match["name"]
