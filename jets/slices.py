"""Some jets of a file of ours at a time; what the whole file decides is decided by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets import checks
from jets.axis import ABSOLUTE, OffAxisError, off_axis
from jets.dataset import Jets
from jets.errors import JetFileError
from jets.hdf5 import Stored

ROWS = 8192
"""Jets that are read at a time to see where they lie."""


@dataclass(frozen=True)
class Rows:
    """Some jets of a file of ours, as :class:`jets.hdf5.Stored` has them."""

    constituents: NDArray[np.float32]
    label: NDArray[np.int64]
    groups: Mapping[str, Mapping[str, NDArray]]
    weights: NDArray | None
    events: NDArray | None

    def __len__(self) -> int:
        return len(self.label)

    def of(self, rows: slice | NDArray[np.int64]) -> Rows:
        """Return some of them."""
        groups = {
            group: {name: values[rows] for name, values in columns.items()} for group, columns in self.groups.items()
        }
        weights, events = (None if values is None else values[rows] for values in (self.weights, self.events))
        return Rows(self.constituents[rows], self.label[rows], groups, weights, events)


class Describer:
    """Jets of rows of a file of ours; whether positions are absolute is decided by the whole file, as in reading it."""

    def __init__(self, stored: Stored, classes: tuple[str, ...], source: str) -> None:
        self.stored, self.classes, self.source = stored, classes, source
        self.relative, self.absolute = False, False
        self.looked = False

    def __call__(self, part: Rows) -> tuple[Jets, NDArray[np.int64]]:
        """Return the jets of some rows, all of them.

        Raises
        ------
        JetFileError
            What no jets have, or absolute positions behind relative ones.
        """
        try:
            return self.described(part)
        except OffAxisError:
            if self.looked or not self.are_absolute():
                raise
        if self.relative:
            raise JetFileError(f"{self.source}: positions are absolute in some jets, and relative in the first ones")
        self.absolute = True
        return self.described(part)

    def described(self, part: Rows) -> tuple[Jets, NDArray[np.int64]]:
        """Return the jets of some rows, with positions as they are now known to be."""
        name = str(self.stored.path)
        values = part.constituents
        if self.absolute:
            values, _ = checks.constituents(values, name, absolute=True)
        given: dict[str, Any] = {**part.groups, "weights": part.weights, "events": part.events}
        jets = Jets(values, part.label, self.classes, sources=(name,), part=True, **given)
        self.relative |= not self.absolute
        return jets.with_(sources=(self.source,)), np.arange(len(part))

    def are_absolute(self) -> bool:
        """Whether so many jets of the file lie off their axis that its positions are absolute."""
        self.looked, off = True, 0
        for start in range(0, len(self.stored), ROWS):
            off += int(off_axis(self.stored.constituents(slice(start, start + ROWS))).sum())
        return off / len(self.stored) > ABSOLUTE


def flat(groups: Mapping[str, Mapping[str, NDArray]]) -> dict[str, NDArray]:
    """Return columns of groups by name; the name of one that an earlier group has too starts with its group's.

    >>> list(flat({"jet": {"pt": 1}, "subst": {"tau1": 2}, "truth": {"pt": 3}}))
    ['pt', 'tau1', 'truth_pt']
    """
    found: dict[str, NDArray] = {}
    for group, columns in groups.items():
        found |= {f"{group}_{name}" if name in found else name: values for name, values in columns.items()}
    return found
