"""Read a latent string: ``R4 x (R1 | R2 x S1) x L2(alpha=.9) x my_module:Heavy(2)``.

Grammar::

    space   = product { "|" product }                       "x" binds tighter than "|"
    product = factor { "x" factor }
    factor  = letter dimension [ ":" components ] [ "(" options ")" ]
            | "R0"                                          no latents: a manifold of a superposition, R0 | R3
            | module ":" name "(" dimension { "," option } ")"
            | "(" space ")" [ "(" options ")" ]             options of a superposition: weights, learn
    options = option { "," option } ;  option = name "=" value { "," value }
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from priors.errors import LatentStringError
from priors.families import family
from priors.latent import Latent
from priors.lookup import UnknownFamilyError, user_family
from priors.space import POINT, Space
from priors.superposition import Superposition

TOKEN = re.compile(
    r"\s*(?:(?P<user>[A-Za-z_][\w.]*:[A-Za-z_]\w*)|(?P<op>x(?![a-z_:])|[|()=,])"
    r"|(?P<factor>[A-Z][A-Za-z]*?\d+(?::\d+)?)(?![\d:])"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*(?:-[A-Za-z]\w*)*))",
    re.ASCII,
)
LONGEST, DEEPEST, MOST = 10_000, 20, 500
"""Characters of a latent string, parentheses within one another, and factors: more is no latent space."""
LARGEST = 10_000
"""Largest dimension of a factor; of one with components, dimension times components is below its hundredfold."""
DIGITS = 15
"""Digits of a number."""
WORDS = {"true": True, "false": False}


class Token(NamedTuple):
    """One piece of the string."""

    kind: str
    """``user``, ``op``, ``factor``, ``number``, ``name`` or ``end``."""
    text: str
    position: int
    """Index of its first character in the string."""


def parse(text: str) -> Space:
    """Return the latent space that ``text`` names; ``parse(str(space)) == space``.

    >>> parse("R4 x L2(alpha=.9,.9)"), parse("R1 | R2 x S1").factors[0].labels
    (R4 x L2(alpha=0.9), (('R1',), ('R2', 'S1')))

    Raises
    ------
    LatentStringError
        Unknown family, wrong option or syntax, or more than a latent space can be; the message points at the position.
    """
    if len(text) > LONGEST:
        raise LatentStringError(text, LONGEST, f"longer than {LONGEST:,} characters")
    return _Parser(text).read()


class _Parser:
    """Recursive descent over the tokens of one string."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokenise()
        self.index = self.depth = 0
        if sum(token.kind in ("factor", "user") for token in self.tokens) > MOST:
            raise LatentStringError(text, 0, f"more than {MOST} factors")

    def _tokenise(self) -> list[Token]:
        tokens, position, end = [], 0, len(self.text.rstrip())
        while position < end:
            match = TOKEN.match(self.text, position)
            if match is None or match.lastgroup is None:
                start = end - len(self.text[position:end].lstrip())
                raise LatentStringError(self.text, start, f"unexpected {self.text[start]!r}")
            position = match.end()
            tokens.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        return [*tokens, Token("end", "", end)]

    @property
    def _next(self) -> Token:
        return self.tokens[self.index]

    def _found(self, operator: str) -> bool:
        """Step over the operator if it comes next."""
        found = self._next.kind == "op" and self._next.text == operator
        self.index += found
        return found

    def _fail(self, problem: str) -> Any:
        raise LatentStringError(self.text, self._next.position, problem)

    def _expect(self, operator: str) -> None:
        if not self._found(operator):
            self._fail(f"expected {operator!r}")

    def read(self) -> Space:
        """Return the space that the whole string names."""
        space = self._space()
        if self._next.kind != "end":
            self._fail("expected 'x', '|' or the end")
        if not space.factors:
            raise LatentStringError(
                self.text, 0, f"{POINT} has no latent at all: it is one manifold of several, R0 | R3"
            )
        return space

    def _space(self) -> Space:
        start, branches = self._next.position, [self._product()]
        while self._found("|"):
            branches.append(self._product())
        return branches[0] if len(branches) == 1 else Space(self._built(start, Superposition, [branches], {}))

    def _product(self) -> Space:
        factors = [self._factor()]
        while self._found("x"):
            factors.append(self._factor())
        return Space(*factors)

    def _factor(self) -> Latent | Space:
        token = self._next
        if self._found("("):
            return self._parentheses(token.position)
        if token.kind not in ("factor", "user"):
            self._fail("expected a factor such as R4, or my_module:MyPrior(2)")
        self.index += 1
        if token.text == POINT:
            return Space()
        try:
            if token.kind == "user":
                build: Callable[..., Any] = family_of(token.text)
                numbers = [self._user_dimension()]
            else:
                letter, *digits = re.findall(r"[A-Za-z]+|[0-9]+", token.text)
                build, numbers = family(letter), [self._whole(number, token) for number in digits]
                self._assert_small(numbers, token)
        except UnknownFamilyError as error:
            raise LatentStringError(self.text, token.position, str(error)) from error
        if token.kind == "user":
            return self._built(token.position, build, numbers, self._options() if self._found(",") else self._close())
        if len(numbers) == 2 and not takes_components(build):
            raise LatentStringError(self.text, token.position, f"{letter} takes no ':{numbers[1]}'")
        return self._built(token.position, build, numbers, self._options() if self._found("(") else {})

    def _whole(self, digits: str, token: Token) -> int:
        if len(digits) > DIGITS:
            raise LatentStringError(self.text, token.position, f"a number of {len(digits)} digits")
        return int(digits)

    def _assert_small(self, numbers: Sequence[int], token: Token) -> None:
        if numbers[0] > LARGEST or math.prod(numbers) > 100 * LARGEST:
            most = f"at most {LARGEST:,}, times components {100 * LARGEST:,}"
            raise LatentStringError(self.text, token.position, f"{token.text} is too large: {most}")

    def _user_dimension(self) -> int:
        self._expect("(")
        token = self._next
        if token.kind != "number" or not token.text.isdigit():
            self._fail("expected a dimension, as in my_module:MyPrior(2)")
        self.index += 1
        number = self._whole(token.text, token)
        self._assert_small([number], token)
        return number

    def _parentheses(self, start: int) -> Latent | Space:
        self.depth += 1
        if self.depth > DEEPEST:
            raise LatentStringError(self.text, start, f"more than {DEEPEST} parentheses within one another")
        inner = self._space()
        self.depth -= 1
        self._expect(")")
        if not self._found("("):
            return inner
        if len(inner.factors) != 1 or not isinstance(inner.factors[0], Superposition):
            self._fail("only a superposition (R1 | R2) takes options behind its parentheses")
        return self._built(start, Superposition, [[inner]], self._options())

    def _built(
        self, position: int, build: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any]
    ) -> Latent:
        try:
            latent = build(*arguments, **options)
        except (TypeError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            raise LatentStringError(self.text, position, in_words(error, build)) from error
        if not isinstance(latent, Latent):
            raise LatentStringError(self.text, position, f"{build} made a {type(latent).__name__}, not a priors.Latent")
        return latent

    def _close(self) -> dict[str, Any]:
        self._expect(")")
        return {}

    def _options(self) -> dict[str, Any]:
        """Read options up to and with the closing parenthesis."""
        options: dict[str, Any] = {}
        while not self._found(")"):
            token = self._next
            if token.kind != "name":
                self._fail("expected an option such as alpha=1,.25")
            if token.text in options:
                self._fail(f"{token.text} is given twice")
            self.index += 1
            self._expect("=")
            options[token.text] = self._values()
        return options

    def _values(self) -> Any:
        values = [self._value()]
        while self._found(","):
            if self._next.kind == "name" and self.tokens[self.index + 1].text == "=":
                break
            values.append(self._value())
        return values[0] if len(values) == 1 else tuple(values)

    def _value(self) -> float | str | bool:
        kind, text, _ = self._next
        if kind not in ("number", "name"):
            self._fail("expected a number or a word")
        if kind == "name":
            self.index += 1
            return WORDS.get(text, text)
        number = self._whole(text, self._next) if text.isdigit() else float(text)
        if not math.isfinite(number):
            self._fail("a number too large")
        self.index += 1
        return number


def family_of(address: str) -> type[Latent]:
    """Return the family of a user's, ``module:Name``.

    Raises
    ------
    UnknownFamilyError
        There is none of that name, or it is something else than a subclass of :class:`priors.Latent`.

    Examples
    --------
    >>> family_of("os:getpid")
    Traceback (most recent call last):
    priors.lookup.UnknownFamilyError: os:getpid is no subclass of priors.Latent
    """
    found = user_family(address)
    if not (isinstance(found, type) and issubclass(found, Latent)):
        raise UnknownFamilyError(f"{address} is no subclass of priors.Latent")
    return found


def takes_components(build: Callable[..., Any]) -> bool:
    """Whether a family has a second number, ``G2:3``.

    >>> from priors import GaussianMixture, Normal
    >>> takes_components(GaussianMixture), takes_components(Normal)
    (True, False)
    """
    return "components" in inspect.signature(build).parameters


def in_words(error: Exception, build: Callable[..., Any]) -> str:
    """Return why a factor could not be built: of an option that it does not have, which ones it has.

    >>> from priors import Dirichlet
    >>> in_words(TypeError("f() got an unexpected keyword argument 'beta'"), Dirichlet)
    "no option 'beta' here; there is alpha"
    """
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return str(error)
    known = [
        name
        for name, each in inspect.signature(build).parameters.items()
        if each.default is not each.empty and name != "components"
    ]
    return f"no option {found[1]!r} here; there is {', '.join(known) or 'none'}"
