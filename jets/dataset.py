"""``Jets``: constituents, classes and observables of a sample of jets, in memory."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jets import checks
from jets.checks import Mended
from jets.errors import JetFileError
from jets.untrusted.room import assert_padded
from jets.weights import WEIGHT_NAMES, Events, Weights, each, events, joined_events, joined_weights, weights

Columns = Mapping[str, NDArray[np.float32]]
GROUPS = ("jet", "subst", "truth")
"""Fields that hold columns."""


@dataclass(frozen=True)
class Jets:
    """A sample of N jets with at most M constituents each, checked on construction.

    Numbers of other types are converted; azimuths are wrapped about the hardest constituent, constituents sorted by
    falling pT and padding (pT = 0 anywhere) put last, with a note where that changed anything. Sound arrays are kept
    as they are.

    Attributes
    ----------
    constituents
        ``(N, M, 3)`` float32: pT [GeV], rapidity and azimuth [rad] relative to the jet axis; falling pT, zero padded.
        Of data without constituents, such as toys: vectors ``(N, K)``.
    label
        ``(N,)`` int64, index into ``classes``.
    classes
        Names of the classes, in the order in which the files were given.
    jet, subst, truth
        Column name -> ``(N,)`` float32: jet kinematics, substructure, generator truth. NaN where a file lacks it.
    sources
        The files that the jets came from, as given.
    weights
        ``(N,)`` float64, how much each jet counts, of either sign; None: all the same.
    events
        ``(N,)`` int64, number of the event that each jet is of; None: each is of its own.
    mended
        What was mended in the sample as it entered, jets since left out included.
    part
        Given alone: these are some jets of a sample. What is decided by the share of the jets is not decided by them:
        positions count as relative, and weights may cancel.
    sound
        Given alone: constituents are right by construction, and are not checked.

    Raises
    ------
    JetFileError
        No jets, NaN or infinity, negative pT, a jet without pT, positions or pT that no jet has (see
        :mod:`jets.checks`), labels outside the classes, columns of another length, or weights and event numbers that
        are none (see :mod:`jets.weights`).
    """

    constituents: NDArray[np.float32]
    label: NDArray[np.int64]
    classes: tuple[str, ...]
    jet: Columns = field(default_factory=dict)
    subst: Columns = field(default_factory=dict)
    truth: Columns = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    weights: Weights | None = None
    events: Events | None = None
    mended: Mended = field(default=Mended(), init=False)
    part: InitVar[bool] = False
    sound: InitVar[bool] = False

    def __post_init__(self, part: bool, sound: bool) -> None:
        sources = (self.sources,) if isinstance(self.sources, str) else tuple(map(str, self.sources))
        name = ", ".join(sources) or "jets in memory"
        classes = checks.names(self.classes, "classes", name)
        constituents, mended = self.constituents, Mended()
        if not sound:
            constituents, mended = checks.constituents(constituents, name, False if part else None)
        count = len(constituents)
        self._set(constituents=constituents, mended=mended, label=checks.labels(self.label, classes, count, name))
        for group in GROUPS:
            self._set(**{group: checks.columns(getattr(self, group), count, f"{name}: {group}")})
            self._say_what_weighs_nothing(group, name)
        self._set(weights=(each if part else weights)(self.weights, count, name))
        self._set(events=events(self.events, count, name))
        self._set(classes=classes, sources=sources)

    def _say_what_weighs_nothing(self, group: str, name: str) -> None:
        """Say that weights among the observables weigh nothing, where there are such and no others."""
        found = [column for column in getattr(self, group) if column.lower() in WEIGHT_NAMES]
        if found and self.weights is None:
            checks.say(f"{name}: {group} {found[0]!r} weighs nothing; event weights are 'weight', beside constituents")

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def with_(self, **changes: object) -> Jets:
        """Return these jets with fields changed that are right by construction: they are not checked again."""
        changed = copy.copy(self)
        changed._set(**changes)
        return changed

    def __len__(self) -> int:
        return len(self.constituents)

    def __getitem__(self, index: ArrayLike | slice) -> Jets:
        """Return the jets at ``index`` (slice, integers or mask); one integer gives a sample of one jet.

        Raises
        ------
        IndexError
            A jet beyond the last, a mask of another length, or no index.
        """
        rows = index if isinstance(index, slice) else _rows(index, len(self))
        changes: dict[str, object] = {name: getattr(self, name)[rows] for name in ("constituents", "label")}
        for group in GROUPS:
            changes[group] = {name: column[rows] for name, column in getattr(self, group).items()}
        for name in ("weights", "events"):
            values = getattr(self, name)
            changes[name] = None if values is None else values[rows]
        return self.with_(**changes)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        size = self.constituents.shape[1]
        return f"Jets({counts}; {f'vectors of {size}' if self.are_vectors else f'up to {size} constituents'})"

    def _repr_html_(self) -> str:
        from jets.by_class import by_class

        return by_class(self.classes, self.label, self.constituents).to_html(index=False)

    @property
    def are_vectors(self) -> bool:
        """Whether these are vectors ``(N, K)`` rather than jets with constituents."""
        return self.constituents.ndim == 2

    @property
    def counts(self) -> dict[str, int]:
        """Number of jets of each class."""
        return {name: int((self.label == i).sum()) for i, name in enumerate(self.classes)}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of constituents, labels, weights and events: the same jets, the same digest, whatever the file."""
        digest = hashlib.sha256(np.ascontiguousarray(self.constituents).tobytes())
        digest.update(np.ascontiguousarray(self.label).tobytes())
        digest.update("\n".join(self.classes).encode())
        for name in ("weights", "events"):  # without them, the digest of before there were any
            values = getattr(self, name)
            if values is not None:
                digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()


def _rows(index: ArrayLike, count: int) -> NDArray:
    """Return which of ``count`` jets an index of integers or booleans means, ``(B,)``."""
    rows = np.atleast_1d(np.asarray(index))
    if rows.size == 0:
        rows = rows.astype(np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iub":
        raise IndexError(f"jets are chosen by a slice, integers or a mask; got {index!r}")
    if rows.dtype.kind == "b" and len(rows) != count:
        raise IndexError(f"a mask of {len(rows)} for {count} jets")
    if rows.dtype.kind != "b" and rows.size and (rows.min() < -count or rows.max() >= count):
        raise IndexError(f"there are {count} jets; asked for {rows[(rows < -count) | (rows >= count)][0]}")
    return rows


def concatenate(samples: Iterable[Jets]) -> Jets:
    """Join samples: classes of equal name become one, constituents are padded to the longest.

    Raises
    ------
    JetFileError
        If jets and vectors, or vectors of different length, are mixed, or jets with weights and without.

    Examples
    --------
    >>> one = Jets(np.full((2, 3, 3), 0.1, np.float32), np.zeros(2, np.int64), ("qcd",))
    >>> two = Jets(np.full((1, 4, 3), 0.1, np.float32), np.zeros(1, np.int64), ("top",))
    >>> concatenate([one, two])
    Jets(2 qcd, 1 top; up to 4 constituents)
    """
    parts = list(samples)
    if not parts:
        raise JetFileError("no samples to join")
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    if len({(part.are_vectors, part.constituents.shape[1] if part.are_vectors else 0) for part in parts}) > 1:
        names = ", ".join(source for part in parts for source in part.sources)
        raise JetFileError(f"{names}: jets and vectors, or vectors of different length, cannot be one sample")
    padded = [part.constituents for part in parts] if parts[0].are_vectors else _padded(parts)
    label = [np.array([classes.index(name) for name in p.classes], np.int64)[p.label] for p in parts]
    lengths = [len(part) for part in parts]
    jet, subst, truth = (_stack([getattr(p, group) for p in parts], lengths) for group in GROUPS)
    sources = tuple(source for part in parts for source in part.sources)
    joined: dict[str, object] = {"constituents": np.concatenate(padded), "label": np.concatenate(label)}
    joined["weights"] = joined_weights([p.weights for p in parts], [", ".join(p.sources) or "jets" for p in parts])
    joined["events"] = joined_events([p.events for p in parts], lengths)
    joined["mended"] = reduce(Mended.and_of, (p.mended for p in parts))
    return parts[0].with_(**joined, classes=classes, jet=jet, subst=subst, truth=truth, sources=sources)


def _padded(parts: Sequence[Jets]) -> list[NDArray[np.float32]]:
    width, held = max(part.constituents.shape[1] for part in parts), sum(part.constituents.nbytes for part in parts)
    names = ", ".join(parts[0].sources) or "jets in memory"
    assert_padded(sum(map(len, parts)), width, 12, held, names)
    return [np.pad(p.constituents, ((0, 0), (0, width - p.constituents.shape[1]), (0, 0))) for p in parts]


def _stack(groups: list[Columns], lengths: list[int]) -> dict[str, NDArray[np.float32]]:
    names = dict.fromkeys(name for group in groups for name in group)
    missing = [np.full(length, np.nan, np.float32) for length in lengths]
    return {
        name: np.concatenate([group.get(name, gap) for group, gap in zip(groups, missing, strict=True)])
        for name in names
    }
