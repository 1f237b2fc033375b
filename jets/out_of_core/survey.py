"""The survey of a sample that stays on disk: every jet is read and checked once, and what training asks of it noted.

Files of our format whose jets are right as they are stay where they are. Others are converted first: those of other
formats, those of which one class of several is wanted, and those whose jets are mended as they enter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from jets.checks import Mended
from jets.convert import convert
from jets.disk import disk
from jets.errors import JetFileError
from jets.files import ready, replacing
from jets.formats import AS_FOUND, is_foreign
from jets.hdf5 import opened
from jets.loading import are_vectors
from jets.lock import locked
from jets.notes import say
from jets.out_of_core.keys import keys
from jets.out_of_core.sample import BLOCK, CATALOGUE, INDEX, DiskJets, Member, assert_same
from jets.progress import Progress
from jets.sources import SAMPLE, chosen_class, expanded, located
from jets.stream import Piece, pieces
from jets.weights import CANCELLED

SIZE = 4 * BLOCK
"""Jets that are surveyed at a time."""
LOOSE = 4 * BLOCK
"""Jets that may be packed together in a file that is read where it is: to read one of them, all are unpacked."""
BEAT = 10.0
"""Seconds between two signs of life of whoever makes a survey."""
ROWS = 1 << 20
"""Rows of the index that are read at a time."""


class UnsoundError(Exception):
    """Jets of a file are mended as they enter: it is to be converted."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Place(NamedTuple):
    """Where the jets of a source lie, and what its one class is called, where that was said."""

    source: str
    path: Path
    named: str | None


def surveyed(sources: Sequence[str | Path], folder: str | Path) -> DiskJets:
    """Return the jets of sources, which stay on disk; ``folder`` keeps the survey, and files that were converted.

    A survey holds for as long as no file changes. Several processes may ask for the same: one makes it.

    Parameters
    ----------
    sources
        As for :func:`jets.load`; jets, no vectors.
    folder
        Where surveys are kept, each in a folder of its own.

    Raises
    ------
    JetFileError
        As :func:`jets.load`; or sources of vectors.
    DiskError
        The folder cannot be written to.
    """
    given = expanded(sources)
    for source in given:
        if are_vectors(source, AS_FOUND):
            raise JetFileError(f"{source}: vectors are read whole; leave memory out")
    home = ready(folder) / name_of(given)
    with locked(home, wait=True, beat=BEAT):
        if not is_whole(home):
            survey(given, home)
        return DiskJets.read(home)


def name_of(sources: Sequence[str]) -> str:
    """Return a name for sources as they are now: of their names, sizes and times."""
    found: list[object] = []
    for source in sources:
        path, _ = located(source)
        state, own = path.stat(), source.startswith(SAMPLE)
        found.append([source] if own else [source, str(path.resolve()), state.st_size, state.st_mtime_ns])
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


def is_whole(home: Path) -> bool:
    """Whether a folder holds a survey whose files, those that were converted too, are there and unchanged."""
    try:
        for member in DiskJets.read(home).members:
            assert_same(member)
        return (home / INDEX).is_file()
    except (OSError, ValueError, LookupError, TypeError, JetFileError):
        return False


def survey(sources: Sequence[str], home: Path) -> None:
    """Survey sources, into a folder that is this process' own."""
    for each in home.iterdir():
        if each.is_file() and not each.name.startswith("."):
            each.unlink()
    asked = {source for source in sources if needs_conversion(source)}
    while True:
        places = [place(source, home / f"{i}.h5", convert_it=source in asked) for i, source in enumerate(sources)]
        try:
            with replacing(home / INDEX) as temporary, disk(temporary) as file, h5py.File(file, "w") as index:
                found = Surveyor(places, index).over_all(home)
            break
        except UnsoundError as error:
            asked.add(sources[error.number])
    with replacing(home / CATALOGUE) as temporary:
        temporary.write_text(found.to_json(), encoding="utf-8")


def needs_conversion(source: str) -> bool:
    """Whether the first jets of a source show that it has to be converted."""
    path, named = located(source)
    if is_foreign(path):
        return True
    with opened(path) as stored:
        if chosen_class(stored.classes, named, path)[1] is not None or stored.rows_together > LOOSE:
            return True
    first = next(pieces(source, size=BLOCK))
    return first.jets is None or first.jets.mended != Mended()


def place(source: str, out: Path, *, convert_it: bool) -> Place:
    """Return where the jets of a source lie; convert them where that is asked for and not done."""
    path, named = located(source)
    if not convert_it:
        return Place(source, path.resolve(), named)
    if not out.exists():
        say(f"{source}: converted into {out}, from which it is read")
        convert([source], out)
    return Place(source, out.resolve(), None)


class Surveyor:
    """Goes over the files of a sample, and writes into an open file what is known of each jet.

    Parameters
    ----------
    places
        The files.
    index
        Where ``key``, ``label``, and ``weight`` and ``event`` where there are any, are written, ``(N,)`` each.

    Raises
    ------
    JetFileError
        Files cannot be read as jets, or do not go together.
    """

    def __init__(self, places: Sequence[Place], index: h5py.File) -> None:
        self.places, self.index = places, index
        self.classes, self.width = dict[str, int](), 0
        self.members: list[Member] = []
        beside = [self.added(each) for each in places]
        for number, what in enumerate(("weights", "event numbers")):
            known = [each[number] for each in beside]
            if len(set(known)) > 1:
                lacking = places[known.index(False)].source
                raise JetFileError(f"{lacking}: has no {what}, other files have; write them into it, or leave it out")
        self.weighted, self.by_event = beside[0]

    def added(self, place: Place) -> tuple[bool, bool]:
        """Note a file; return whether it has weights and event numbers."""
        state = place.path.stat()
        with opened(place.path) as stored:
            names = stored.classes if place.named is None else (place.named,)
            numbers = tuple(self.classes.setdefault(name, len(self.classes)) for name in names)
            start = self.members[-1].stop if self.members else 0
            self.width = max(self.width, stored.width)
            weights, events = stored.beside(slice(0, 0))
            stop = start + len(stored)
        self.members.append(Member(str(place.path), state.st_size, state.st_mtime_ns, start, stop, numbers))
        return weights is not None, events is not None

    def over_all(self, home: Path) -> DiskJets:
        """Look at everything.

        Raises
        ------
        UnsoundError
            Jets of a file are mended as they enter.
        JetFileError
            What no jets have, or weights that cancel.
        """
        count, digest = self.members[-1].stop, hashlib.sha256()
        kinds = {"key": np.dtype(np.uint64), "label": np.min_scalar_type(max(len(self.classes) - 1, 0))}
        if self.weighted:
            kinds["weight"] = np.dtype(np.float64)
        if self.by_event:
            kinds["event"] = np.dtype(np.int64)
        for name, kind in kinds.items():
            self.index.create_dataset(name, (count,), kind, track_times=False)
        with Progress(count, "survey") as progress:
            for number, member in enumerate(self.members):
                for piece in pieces(member.path, size=SIZE):
                    digest.update(self.noted(piece, number).tobytes())
                    progress.update(member.start + piece.start + piece.count)
        self.digest_of_the_index(digest, count)
        sources = tuple(place.source for place in self.places)
        whole = home, sources, tuple(self.classes), digest.hexdigest(), self.width, tuple(self.members)
        return DiskJets(*whole, weighted=self.weighted, by_event=self.by_event)

    def noted(self, piece: Piece, number: int) -> NDArray[np.float32]:
        """Write what is known of the jets of a piece; return their constituents, ``(n, width, 3)``."""
        member, jets = self.members[number], piece.jets
        if jets is None or jets.mended != Mended():
            raise UnsoundError(number)
        rows = slice(member.start + piece.start, member.start + piece.start + piece.count)
        self.index["key"][rows] = keys(jets.constituents, jets.events)
        self.index["label"][rows] = np.array(member.classes)[jets.label]
        if self.weighted:
            self.index["weight"][rows] = jets.weights
        if self.by_event:
            self.index["event"][rows] = jets.events
        missing = self.width - jets.constituents.shape[1]
        return np.pad(jets.constituents, ((0, 0), (0, missing), (0, 0)))

    def digest_of_the_index(self, digest: hashlib._Hash, count: int) -> None:
        """Add labels, classes, weights and events to a digest, as :attr:`jets.Jets.fingerprint` does.

        Raises
        ------
        JetFileError
            The weights cancel.
        """
        parts = [slice(start, min(start + ROWS, count)) for start in range(0, count, ROWS)]
        for rows in parts:
            digest.update(self.index["label"][rows].astype(np.int64).tobytes())
        digest.update("\n".join(self.classes).encode())
        if self.weighted:
            digest.update(b"weights")
            sums = np.zeros(2)
            for rows in parts:
                weights = self.index["weight"][rows]
                digest.update(weights.tobytes())
                sums += weights.sum(), np.abs(weights).sum()
            if abs(sums[0]) <= CANCELLED * sums[1]:
                names = ", ".join(place.source for place in self.places)
                raise JetFileError(f"{names}: weights sum to {sums[0]:.3g}: there is no mean over these jets")
        if self.by_event:
            digest.update(b"events")
            for rows in parts:
                digest.update(self.index["event"][rows].tobytes())
