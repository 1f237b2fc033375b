"""Cases by number: what is tried follows from `SEED`, the entry's name and the number alone, so a failure repeats."""

from __future__ import annotations

import contextlib
import inspect
import io
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jets.errors import UserError
from priors import LatentStringError

SEED = 20261125
RIGHT, REFUSED = "right", "refused"
"""What a case may come to."""
SHOWN = 12
"""Failures that a message shows."""
USERS = UserError, LatentStringError
"""What speaks to the user."""

Random = np.random.Generator
Entry = Callable[..., str]


class Entered(NamedTuple):
    """What tries one case of an entry and says what it came to, and how many cases there are."""

    entry: Entry
    count: int
    slow: bool

    def numbers(self, share: float) -> range:
        """Return the cases of a part of all; of slow ones, where not all are tried, a fifth of that."""
        return range(max(1, round(self.count * share / (5 if self.slow and share < 1 else 1))))


class Entries(dict[str, Entered]):
    """Entries by name."""

    def __call__(self, count: int, *, slow: bool = False) -> Callable[[Entry], Entry]:
        """Enter a function with its number of cases."""

        def enter(entry: Entry) -> Entry:
            self[entry.__name__] = Entered(entry, count, slow)
            return entry

        return enter


def generator(name: str, number: int) -> Random:
    """Return the random numbers of one case."""
    return np.random.default_rng((SEED, zlib.crc32(name.encode()), number))


def tried(name: str, entry: Entry, numbers: Iterable[int], tools: Tools) -> Counter[str]:
    """Try cases of an entry; return how many came to what, after asserting that none failed."""
    found: Counter[str] = Counter()
    failures = []
    takes_tools = len(inspect.signature(entry).parameters) > 1
    for number in numbers:
        random = generator(name, number)
        try:
            outcome = entry(random, tools) if takes_tools else entry(random)
            assert outcome in (RIGHT, REFUSED), f"came to {outcome!r}"
            found[outcome] += 1
        except Exception as error:
            failures.append(f"--case {number}: {described(error)}")
    shown = "\n".join(failures[:SHOWN])
    assert not failures, f"{name}: {len(failures)} of {sum(found.values()) + len(failures)} cases failed\n{shown}"
    return found


def described(error: Exception) -> str:
    """Return type, message and the last place of an error."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:400]} ({Path(frame.filename).name}:{frame.lineno})"


class Tools(NamedTuple):
    """What cases may use: an empty folder of their own, and small runs to copy."""

    folder: Path
    runs: Callable[[str], Path]


def pick(random: Random, choices: Sequence[Any]) -> Any:
    """Return one of the choices, whatever they are."""
    return choices[int(random.integers(len(choices)))]


def refusal(error: BaseException, *words: str) -> str:
    """Assert that an error says on one line what is wrong, with one of ``words`` where any are given."""
    text = str(error)
    assert text.strip(), f"{type(error).__name__} says nothing"
    assert "\n" not in text, f"more than one line: {text!r}"
    assert len(text) < 2000, f"a message of {len(text)} characters: {text[:300]!r}"
    assert not words or any(word in text for word in words), f"none of {words} in: {text}"
    return REFUSED


def attempt(
    function: Callable[..., Any], *arguments: Any, also: tuple[type[Exception], ...] = (), **options: Any
) -> Any:
    """Return what a function returns, or the user's error that it raises; anything else passes through."""
    with silent():
        try:
            return function(*arguments, **options)
        except (*USERS, *also) as error:
            return error


@contextlib.contextmanager
def silent() -> Iterator[io.StringIO]:
    """Collect what is printed."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield text
