"""``DiskJets``: a sample of jets in files, of which as many are in memory as are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from jets.dataset import Jets, concatenate
from jets.errors import JetFileError, legible
from jets.hdf5 import Stored, opened
from jets.out_of_core.keys import Keys

CATALOGUE, INDEX = "catalogue.json", "index.h5"
"""What a survey leaves: what is in which file, and key, class and weight of each jet."""
BLOCK = 4096
"""Jets that are read together: a part of a sample is chosen block by block, and shuffled."""
OPEN = 64
"""Files that are open at a time."""
GROUP = 128
"""Jets that are chosen together into a smaller sample."""
SAMPLED = 0
"""Seed of that choice."""


@dataclass(frozen=True)
class Member:
    """A file of the sample: its rows are ``start`` to ``stop`` of the sample.

    Attributes
    ----------
    path, size, changed
        The file, its bytes, and when it was last written [ns].
    start, stop
        Numbers of its jets in the sample.
    classes
        Number in the sample of each of the file's own classes.
    """

    path: str
    size: int
    changed: int
    start: int
    stop: int
    classes: tuple[int, ...]


class Index(NamedTuple):
    """What is known of some jets without reading them, ``(n,)`` each; weights where the sample has such."""

    key: Keys
    label: NDArray[np.int64]
    weight: NDArray[np.float64] | None


@dataclass(frozen=True)
class DiskJets:
    """A sample of N jets in files, as :class:`jets.Jets` is one in memory; made by :func:`surveyed`.

    Attributes
    ----------
    home
        The folder that the survey left.
    sources, classes, fingerprint
        As of the same jets in memory.
    width
        Constituents of a jet, at most.
    members
        The files, in their order.
    weighted, by_event
        Whether the jets have weights, and event numbers.
    """

    home: Path
    sources: tuple[str, ...]
    classes: tuple[str, ...]
    fingerprint: str
    width: int
    members: tuple[Member, ...]
    weighted: bool
    by_event: bool
    are_vectors = False

    @classmethod
    def read(cls, home: Path) -> Self:
        """Read what a survey left in a folder."""
        content: dict[str, Any] = json.loads((home / CATALOGUE).read_text(encoding="utf-8"))
        members = tuple(Member(**each | {"classes": tuple(each["classes"])}) for each in content.pop("members"))
        content |= {name: tuple(content[name]) for name in ("sources", "classes")}
        return cls(home, members=members, **content)

    def to_json(self) -> str:
        """Return what :meth:`read` reads."""
        return json.dumps({name: value for name, value in asdict(self).items() if name != "home"}, indent=1) + "\n"

    def __len__(self) -> int:
        return self.members[-1].stop

    def __repr__(self) -> str:
        return f"DiskJets({len(self):,} jets of {', '.join(self.classes)} in {', '.join(self.sources)})"

    @property
    def blocks(self) -> int:
        """Number of blocks of :data:`BLOCK` jets, the last of which may be smaller."""
        return -(-len(self) // BLOCK)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of jets of each class."""
        found = np.zeros(len(self.classes), np.int64)
        with Reader(self) as reader:
            for rows in self.slices(BLOCK << 6):
                found += np.bincount(reader.index(rows).label, minlength=len(found))
        return dict(zip(self.classes, found.tolist(), strict=True))

    def slices(self, size: int = BLOCK) -> Iterator[slice]:
        """Yield slices of ``size`` jets that together are the sample."""
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))

    def sampled(self, most: int) -> Jets:
        """Return at most so many of the jets, in memory: groups of 128 that lie together, chosen at random.

        Raises
        ------
        JetFileError
            A file is gone, or has changed.
        """
        groups = -(-len(self) // GROUP)
        wanted = min(groups, -(-most // GROUP))
        chosen = np.sort(np.random.default_rng(SAMPLED).permutation(groups)[:wanted])
        with Reader(self) as reader:
            starts = (GROUP * chosen).tolist()
            return self.joined([reader.described(slice(at, min(at + GROUP, len(self)))) for at in starts])

    def some(self, numbers: Sequence[int] | NDArray[np.int64]) -> Jets:
        """Return the jets of these numbers, in rising order."""
        numbers = np.unique(np.asarray(numbers, np.int64))
        with Reader(self) as reader:
            found = []
            for block in np.unique(numbers // BLOCK).tolist():
                rows = slice(block * BLOCK, min((block + 1) * BLOCK, len(self)))
                found.append(reader.described(rows)[numbers[numbers // BLOCK == block] - rows.start])
        return self.joined(found)

    def joined(self, parts: Sequence[Jets]) -> Jets:
        """Return jets of the sample as one, as wide as the sample's widest."""
        whole = concatenate(parts)
        missing = self.width - whole.constituents.shape[1]
        wide = np.pad(whole.constituents, ((0, 0), (0, missing), (0, 0)))
        return whole.with_(constituents=wide, sources=self.sources, classes=self.classes)


class Reader:
    """Reads a sample on disk; for one thread, as long as the block lasts.

    Raises
    ------
    JetFileError
        A file of the sample is gone, or has changed since it was surveyed.
    """

    def __init__(self, jets: DiskJets) -> None:
        self.jets, self.stack = jets, ExitStack()
        self.opened: dict[int, tuple[ExitStack, Stored]] = {}
        self.starts = np.array([member.start for member in jets.members])
        self.own: h5py.File | None = None

    def __enter__(self) -> Self:
        self.own = self.stack.enter_context(h5py.File(self.jets.home / INDEX, "r"))
        return self

    def __exit__(self, *error: object) -> None:
        for stack, _ in self.opened.values():
            stack.close()
        self.stack.close()

    def index(self, rows: slice) -> Index:
        """Return what is known of jets ``rows.start`` to ``rows.stop`` of the sample."""
        assert self.own is not None
        weight = self.own["weight"][rows] if self.jets.weighted else None
        return Index(self.own["key"][rows], self.own["label"][rows].astype(np.int64), weight)

    def constituents(self, rows: slice) -> NDArray[np.float32]:
        """Return constituents ``(n, width, 3)`` of jets ``rows.start`` to ``rows.stop`` of the sample."""
        found = []
        for number, part in self.parts(rows):
            with legible(self.jets.members[number].path):
                values = self.stored(number).constituents(part)
            missing = self.jets.width - values.shape[1]
            found.append(np.pad(values, ((0, 0), (0, missing), (0, 0))) if missing else values)
        return found[0] if len(found) == 1 else np.concatenate(found)

    def described(self, rows: slice) -> Jets:
        """Return jets ``rows.start`` to ``rows.stop`` of the sample, with their columns."""
        found = []
        for number, part in self.parts(rows):
            member = self.jets.members[number]
            with legible(member.path):
                stored = self.stored(number)
                weights, events = stored.beside(part)
                given: dict[str, Any] = {**stored.groups(part), "weights": weights, "events": events}
                label = np.array(member.classes, np.int64)[stored.label(part)]
                values = stored.constituents(part)
                found.append(Jets(values, label, self.jets.classes, part=True, sound=True, **given))
        return concatenate(found)

    def parts(self, rows: slice) -> Iterator[tuple[int, slice]]:
        """Yield which rows of which file are these jets."""
        start = rows.start
        while start < rows.stop:
            number = int(np.searchsorted(self.starts, start, "right")) - 1
            member = self.jets.members[number]
            stop = min(rows.stop, member.stop)
            yield number, slice(start - member.start, stop - member.start)
            start = stop

    def stored(self, number: int) -> Stored:
        """Return an open file, and close the one that was opened first where there are too many."""
        if number not in self.opened:
            if len(self.opened) == OPEN:
                self.opened.pop(next(iter(self.opened)))[0].close()
            member, stack = self.jets.members[number], ExitStack()
            assert_same(member)
            self.opened[number] = stack, stack.enter_context(opened(Path(member.path)))
        return self.opened[number][1]


def assert_same(member: Member) -> None:
    """Assert that a file is the one that was surveyed.

    Raises
    ------
    JetFileError
        It is gone, or has changed.
    """
    try:
        found = Path(member.path).stat()
    except OSError as error:
        raise JetFileError(f"{member.path}: cannot be read any more ({error.strerror}); restore it") from error
    if (found.st_size, found.st_mtime_ns) != (member.size, member.changed):
        raise JetFileError(f"{member.path}: changed since its jets were surveyed; restore it, or begin anew")
