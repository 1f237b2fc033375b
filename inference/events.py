"""Splits that never part an event: all jets of one event number lie on the same side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Cut = Callable[[Index, int], Sequence[Index]]
"""Shuffle and cut what belongs to a class, ``(n,)`` and its number, into the parts of a split."""


def parted_by_event(label: Index, events: Index, classes: int, cut: Cut) -> list[tuple[Index, ...]]:
    """Return the parts of each class: its jets, in the order in which the cut leaves their events.

    What is cut are events, in the order of their numbers, each with the first of its jets' classes. Where no two jets
    share an event, and the numbers rise, the parts are those of the jets themselves.

    Parameters
    ----------
    label, events
        ``(N,)``, the class and the event number of each jet.
    classes
        Number of classes.
    cut
        As jets would be cut.

    Examples
    --------
    >>> halves = lambda index, _: np.split(index, [len(index) // 2])
    >>> parted_by_event(np.array([0, 0, 1, 0]), np.array([7, 7, 7, 9]), 2, halves)
    [(array([0, 1]), array([3])), (array([2]), array([], dtype=int64))]
    """
    numbers, event = np.unique(events, return_inverse=True)
    owner = np.full(len(numbers), classes)
    np.minimum.at(owner, event, label)
    side, place = np.zeros(len(numbers), np.int64), np.zeros(len(numbers))
    sides = 0
    for i in range(classes):
        parts = cut(np.flatnonzero(owner == i), i)
        sides = len(parts)
        for number, part in enumerate(parts):
            side[part] = number
            place[part] = np.arange(len(part)) / max(1, len(part))
    found = []
    for i in range(classes):
        mine = np.flatnonzero(label == i)
        ordered = mine[np.argsort(place[event[mine]], kind="stable")]
        found.append(tuple(ordered[side[event[ordered]] == number] for number in range(sides)))
    return found
