"""Lists of four-momenta whose first element is the jet itself: one particle that is the sum of all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jets.errors import JetFileError
from jets.formats.particles import Particles

SAME = 1e-3
"""Difference of the first from the sum of the others, of the energy, up to which it is the jet."""
NOTE = "the first of each list is the jet itself, the sum of the others: left out"


def first_is_jet(p4: NDArray[np.floating]) -> bool:
    """Whether the first four-momentum of each list ``(n, M, 4)`` is the sum of the others, of three or more in some.

    >>> lists = np.array([[[3.0, 0, 0, 3], [1, 0, 0, 1], [2, 0, 0, 2]]])
    >>> first_is_jet(lists), first_is_jet(lists[:, ::-1])
    (True, False)
    """
    held = (p4 != 0).any(-1).sum(1)
    some = p4[held > 0]
    if not len(some) or held.max() < 3:
        return False
    apart = np.abs(some[:, 0] - some[:, 1:].sum(1)).max(1)
    return bool((apart <= SAME * np.abs(some[:, 0, 3])).all())


def without(path: Path, parts: Iterator[Particles]) -> tuple[Iterator[Particles], tuple[str, ...]]:
    """Return the parts of a file without the jet in front, and a note where there was one.

    The first part decides.

    Raises
    ------
    JetFileError
        Later lists begin otherwise.
    """
    first = next(parts, None)
    if first is None:
        return iter(()), ()
    if not first_is_jet(first.p4):
        return chain([first], parts), ()
    return dropped(path, chain([first], parts)), (NOTE,)


def dropped(path: Path, parts: Iterator[Particles]) -> Iterator[Particles]:
    """Yield the parts without their first element."""
    for part in parts:
        held = (part.p4 != 0).any(-1).sum(1)
        if (held > 2).any() and not first_is_jet(part.p4):
            raise JetFileError(f"{path}: the first of each list is the jet itself in some jets, and not in others")
        yield replace(part, p4=part.p4[:, 1:])
