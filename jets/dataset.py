"""``Jets``: constituents, classes and observables of a sample of jets, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jets.errors import UserError

Columns = Mapping[str, NDArray[np.float32]]


class JetFileError(UserError):
    """A file of jets cannot be used; the message names the file, the field and the remedy."""


@dataclass(frozen=True)
class Jets:
    """A sample of N jets with at most M constituents each.

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
    """

    constituents: NDArray[np.float32]
    label: NDArray[np.int64]
    classes: tuple[str, ...]
    jet: Columns = field(default_factory=dict)
    subst: Columns = field(default_factory=dict)
    truth: Columns = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.constituents)

    def __getitem__(self, index: ArrayLike | slice) -> Jets:
        """Return the jets at ``index`` (slice, integers or mask)."""
        rows = index if isinstance(index, slice) else np.asarray(index)
        jet, subst, truth = (
            {name: column[rows] for name, column in group.items()} for group in (self.jet, self.subst, self.truth)
        )
        return Jets(self.constituents[rows], self.label[rows], self.classes, jet, subst, truth, self.sources)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        size = self.constituents.shape[1]
        return f"Jets({counts}; {f'vectors of {size}' if self.are_vectors else f'up to {size} constituents'})"

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
        """SHA-256 of constituents and labels: the same jets, the same digest, whatever the file."""
        digest = hashlib.sha256(np.ascontiguousarray(self.constituents).tobytes())
        digest.update(np.ascontiguousarray(self.label).tobytes())
        digest.update("\n".join(self.classes).encode())
        return digest.hexdigest()


def concatenate(samples: Iterable[Jets]) -> Jets:
    """Join samples: classes of equal name become one, constituents are padded to the longest.

    Raises
    ------
    JetFileError
        If jets and vectors, or vectors of different length, are mixed.

    Examples
    --------
    >>> one = Jets(np.zeros((2, 3, 3), np.float32), np.zeros(2, np.int64), ("qcd",))
    >>> two = Jets(np.zeros((1, 4, 3), np.float32), np.zeros(1, np.int64), ("top",))
    >>> concatenate([one, two])
    Jets(2 qcd, 1 top; up to 4 constituents)
    """
    parts = list(samples)
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    if len({(part.are_vectors, part.constituents.shape[1] if part.are_vectors else 0) for part in parts}) > 1:
        names = ", ".join(source for part in parts for source in part.sources)
        raise JetFileError(f"{names}: jets and vectors, or vectors of different length, cannot be one sample")
    padded = [part.constituents for part in parts] if parts[0].are_vectors else _padded(parts)
    label = [np.array([classes.index(name) for name in p.classes], np.int64)[p.label] for p in parts]
    lengths = [len(part) for part in parts]
    jet, subst, truth = (_stack([getattr(p, group) for p in parts], lengths) for group in ("jet", "subst", "truth"))
    sources = tuple(source for part in parts for source in part.sources)
    return Jets(np.concatenate(padded), np.concatenate(label), classes, jet, subst, truth, sources)


def _padded(parts: Sequence[Jets]) -> list[NDArray[np.float32]]:
    width = max(part.constituents.shape[1] for part in parts)
    return [np.pad(p.constituents, ((0, 0), (0, width - p.constituents.shape[1]), (0, 0))) for p in parts]


def _stack(groups: list[Columns], lengths: list[int]) -> dict[str, NDArray[np.float32]]:
    names = dict.fromkeys(name for group in groups for name in group)
    missing = [np.full(length, np.nan, np.float32) for length in lengths]
    return {
        name: np.concatenate([group.get(name, gap) for group, gap in zip(groups, missing, strict=True)])
        for name in names
    }
