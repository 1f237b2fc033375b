"""What can be damaged: a kind of file, sound ones of it, and what a user gets from one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .mutate import mutated


@dataclass(frozen=True)
class Kind:
    """A kind of file that is read.

    Attributes
    ----------
    name
        Of the kind.
    seeds
        Makes sound files in an empty folder, and returns their paths: whatever else they need lies beside them.
    read
        What a user gets from the file at a path, as text or digest: equal where it is the same. A user's error refuses.
    damage
        Content of a file -> content of a damaged one.
    structure
        Of formats that keep no checksum, in which a changed digit is another number and nobody can know: what must be
        the same nevertheless. None where all must be.
    weight
        Share of the cases, relative to the other kinds.
    """

    name: str
    seeds: Callable[[Path], Sequence[Path]]
    read: Callable[[Path], str]
    damage: Callable[[bytes, Random], bytes] = mutated
    structure: Callable[[Path], str] | None = None
    weight: float = 1.0


class Kinds(dict[str, Kind]):
    """Kinds by name."""

    def add(self, *kinds: Kind) -> None:
        """Enter kinds."""
        self.update({kind.name: kind for kind in kinds})
