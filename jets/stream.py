"""Jets of any source some at a time, row by row as the file has them, at bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from jets.dataset import Jets, concatenate
from jets.errors import JetFileError
from jets.formats import AS_FOUND, Particles, Wanted, assert_used, is_foreign, jets_of, reading_of
from jets.hdf5 import Stored, opened
from jets.loading import OURS, are_vectors
from jets.slices import Describer, Rows, flat
from jets.sources import chosen_class, expanded, located
from jets.vectors import load_vectors
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

CLASS = "class"
"""Column of the names of the classes."""
SIZE = 8192


class Piece(NamedTuple):
    """Some jets of a source, in the order of the file.

    Attributes
    ----------
    source
        As it was given; of a glob or a folder, the file.
    start
        Number in the source of the piece's first jet; of ``F:class``, among the jets of that class.
    count
        Number of jets, those without particles or left out included.
    jets
        Those that can be described; None: none of them.
    rows
        ``(len(jets),)``, which of the ``count`` they are, rising.
    columns
        Name -> ``(count,)``: ``event_number``, ``weight``, ``class`` and the file's own columns, where the file has
        them; NaN or "" where nothing is known of a jet.
    left
        Number and reason of each jet that cannot be right; those without particles are not among them.
    """

    source: str
    start: int
    count: int  # type: ignore[assignment]
    jets: Jets | None
    rows: NDArray[np.int64]
    columns: dict[str, NDArray]
    left: tuple[tuple[int, str], ...] = ()


class Part(Protocol):
    """Some jets as their file has them."""

    @property
    def label(self) -> NDArray[np.int64] | None:
        """Index of their class; None: all are of the first."""

    def __len__(self) -> int: ...

    def of(self, rows: slice | NDArray[np.int64]) -> Self:
        """Return some of them."""


Describe = Callable[[Any], tuple[Jets | None, NDArray[np.int64]]]
"""Gives the jets of a part that have particles, and which of its rows they are."""


def pieces(
    *sources: str | Path, wanted: Wanted = AS_FOUND, size: int = SIZE, skip_bad: bool = False
) -> Iterator[Piece]:
    """Yield the jets of sources, at most ``size`` at a time; together they are what :func:`jets.load` reads.

    Parameters
    ----------
    sources
        As for :func:`jets.load`.
    wanted
        What the user says of the files.
    size
        Largest number of jets of a piece.
    skip_bad
        Leave jets that cannot be right without a description instead of refusing their file.

    Raises
    ------
    JetFileError
        As :func:`jets.load`.

    Examples
    --------
    >>> [(piece.start, piece.count) for piece in pieces("sample:w", size=3000)]
    [(0, 3000), (3000, 2000)]
    """
    if size < 1:
        raise JetFileError(f"size is {size}; expected at least one jet at a time")
    for source in expanded(sources):
        yield from of_source(source, wanted, size, skip_bad)


def of_source(source: str, wanted: Wanted, size: int, skip_bad: bool) -> Iterator[Piece]:
    """Yield the jets of a single source."""
    if are_vectors(source, wanted):
        assert_used(Path(source), wanted, "vectors")
        yield from of_vectors(load_vectors(source), source, size)
        return
    path, named = located(source)
    if path.is_file() and (wanted.format or is_foreign(path)):
        yield from of_foreign(path, named, source, wanted, size, skip_bad)
        return
    assert_used(path, wanted, OURS)
    with opened(path) as stored:
        yield from of_stored(stored, named, source, size, skip_bad)


def of_vectors(jets: Jets, source: str, size: int) -> Iterator[Piece]:
    """Yield vectors, which are in memory."""
    for start in range(0, len(jets), size):
        some = jets[start : start + size]
        columns = {CLASS: names_of(some.classes, some.label, len(some))} | dict(some.truth)
        yield Piece(source, start, len(some), some, np.arange(len(some)), columns)


def of_foreign(
    path: Path, named: str | None, source: str, wanted: Wanted, size: int, skip_bad: bool
) -> Iterator[Piece]:
    """Yield the jets of a file of other people's."""
    _, reading = reading_of(path, wanted)
    classes, chosen = chosen_class(reading.classes, named, path)

    def describe(part: Particles) -> tuple[Jets | None, NDArray[np.int64]]:
        return jets_of(part, classes, source)

    start = 0
    for read in ahead(reading.parts):
        part = read if chosen is None else only(read, chosen)
        for first in range(0, len(part), size):
            some = part.of(slice(first, first + size))
            own = beside(some.weights, some.events) | dict(some.columns)
            yield piece(some, describe, source, start + first, classes, own, skip_bad)
        start += len(part)


def ahead(parts: Iterator[Particles]) -> Iterator[Particles]:
    """Yield the parts of a file, the next of which is read while one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, parts, None)
        while (part := waiting.result()) is not None:
            waiting = pool.submit(next, parts, None)
            yield part


def only(part: Particles, chosen: int) -> Particles:
    """Return the jets of one class."""
    label = np.zeros(len(part), np.int64) if part.label is None else part.label
    some = part.of(np.flatnonzero(label == chosen))
    return replace(some, label=None)


def of_stored(stored: Stored, named: str | None, source: str, size: int, skip_bad: bool) -> Iterator[Piece]:
    """Yield the jets of a file of ours."""
    classes, chosen = chosen_class(stored.classes, named, stored.path)
    describe = Describer(stored, classes, source)
    start = 0
    for first in range(0, len(stored), size):
        rows = slice(first, min(first + size, len(stored)))
        label = stored.label(rows)
        if chosen is not None and not (label == chosen).any():
            continue
        part = Rows(stored.constituents(rows), label, stored.groups(rows), *stored.beside(rows))
        if chosen is not None:
            part = replace(part, label=np.where(label == chosen, 0, -1)).of(np.flatnonzero(label == chosen))
        own = beside(part.weights, part.events) | flat(part.groups)
        yield piece(part, describe, source, start, classes, own, skip_bad)
        start += len(part)


def piece(
    part: Part,
    describe: Describe,
    source: str,
    start: int,
    classes: tuple[str, ...],
    own: dict[str, NDArray],
    skip_bad: bool,
) -> Piece:
    """Return some jets as a piece."""
    jets, rows, left = described(part, describe, skip_bad)
    count = len(part)
    known = {CLASS: names_of(classes, part.label, count)} | own
    for name, values in {} if jets is None else jets.jet.items():
        if name not in known:
            known[name] = np.full(count, np.nan, values.dtype)
            known[name][rows] = values
    return Piece(source, start, count, jets, rows, known, tuple((start + row, reason) for row, reason in left))


def described(
    part: Part, describe: Describe, skip_bad: bool
) -> tuple[Jets | None, NDArray[np.int64], list[tuple[int, str]]]:
    """Return jets, their rows, and rows and reasons of the bad ones, found by halving until the others stand alone."""
    try:
        return *describe(part), []
    except JetFileError as error:
        if not skip_bad:
            raise
        if len(part) == 1:
            return None, np.empty(0, np.int64), [(0, str(error))]
    middle = len(part) // 2
    halves = [described(part.of(rows), describe, skip_bad) for rows in (slice(middle), slice(middle, None))]
    found = [jets for jets, *_ in halves if jets is not None]
    rows = np.concatenate([halves[0][1], halves[1][1] + middle])
    left = halves[0][2] + [(row + middle, reason) for row, reason in halves[1][2]]
    return concatenate(found) if found else None, rows, left


def names_of(classes: tuple[str, ...], label: NDArray[np.int64] | None, count: int) -> NDArray[np.str_]:
    """Return the name of each jet's class ``(count,)``; "" of a label that is none.

    >>> names_of(("qcd", "top"), np.array([1, 0, 7]), 3).tolist()
    ['top', 'qcd', '']
    """
    known = np.array([*classes, ""])
    if label is None:
        return np.full(count, known[0])
    return known[np.where((label >= 0) & (label < len(classes)), label, len(classes))]


def beside(weights: NDArray | None, events: NDArray | None) -> dict[str, NDArray]:
    """Return event numbers and weights by name, where there are any."""
    found = {EVENT_NAMES[0]: events, WEIGHT_NAMES[0]: weights}
    return {name: np.asarray(values).reshape(len(values)) for name, values in found.items() if values is not None}
