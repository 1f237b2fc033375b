"""Event weights and event numbers: what they must be, checked where they enter with their jets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets.checks import array, numbers
from jets.errors import JetFileError

Weights = NDArray[np.float64]
Events = NDArray[np.int64]

WEIGHT_NAMES = ("weight", "weights")
"""Datasets of a file that are event weights."""
EVENT_NAMES = ("event_number", "event", "events")
"""Datasets of a file that are event numbers."""
SIZES = (1e-100, 1e100)
"""Sizes that the largest weight may have: squares and their sums stay numbers."""
CANCELLED = 1e-9
"""Sum beside the sum of sizes below which weights leave nothing but rounding."""


def weights(values: Any, count: int, name: str) -> Weights | None:
    """Return one weight for each of ``count`` jets, ``(N,)`` float64 of either sign; None stays None.

    Raises
    ------
    JetFileError
        Another length, no finite numbers, or a sum of zero: there is no mean with such weights.
    """
    found = each(values, count, name)
    if found is not None and abs(found.sum()) <= CANCELLED * np.abs(found).sum():
        raise JetFileError(
            f"{name}: weights sum to {found.sum():.3g}, {np.mean(found < 0):.0%} of them negative: there is no mean "
            "over these jets; drop the weights, or give more jets"
        )
    return found


def each(values: Any, count: int, name: str) -> Weights | None:
    """Return the weights of some jets of a sample: as :func:`weights`, and they may cancel.

    Raises
    ------
    JetFileError
        Another length, or no finite numbers.
    """
    if values is None:
        return None
    found = flat(numbers(values, f"{name}: weights", np.float64))
    if found.shape != (count,):
        raise JetFileError(
            f"{name}: weights have shape {found.shape}; expected one for each of {count} jets; give the nominal ones"
        )
    if not np.isfinite(found).all():
        bad = ~np.isfinite(found)
        raise JetFileError(f"{name}: weights of {bad.sum()} jets (first: jet {bad.argmax()}) are no finite numbers")
    largest = float(np.abs(found).max(initial=0.0))
    if largest and not SIZES[0] <= largest <= SIZES[1]:
        raise JetFileError(f"{name}: the largest weight is {largest:.3g}; multiply all, so that it is about 1")
    return found


def events(values: Any, count: int, name: str) -> Events | None:
    """Return the number of the event of each of ``count`` jets, ``(N,)`` int64; None stays None.

    Raises
    ------
    JetFileError
        Another length, no whole numbers, or such as their type does not hold exactly: events would become one.
    """
    if values is None:
        return None
    found = flat(array(values, f"{name}: event numbers"))
    if found.dtype.kind not in "fiu":
        raise JetFileError(f"{name}: event numbers are of type {found.dtype}; expected whole numbers")
    if found.shape != (count,):
        raise JetFileError(f"{name}: event numbers have shape {found.shape}; expected one for each of {count} jets")
    limit = 2 ** (np.finfo(found.dtype).nmant + 1) if found.dtype.kind == "f" else 2**63 - 1
    bad = ~((found >= -limit) & (found <= limit))
    if found.dtype.kind == "f":
        bad |= found != np.floor(found)
    if bad.any():
        raise JetFileError(
            f"{name}: event number {found[bad.argmax()]} (jet {bad.argmax()}) is no whole number that {found.dtype} "
            "and int64 hold exactly; store event numbers as int64"
        )
    return found.astype(np.int64, copy=False)


def flat(values: NDArray) -> NDArray:
    """Return a single column ``(N, 1)`` as ``(N,)``, anything else as it is."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def effective(values: NDArray[np.floating]) -> float:
    r"""Return how many jets of equal weight would have the same error, :math:`(\sum w)^2 / \sum w^2`.

    >>> effective(np.ones(10)), effective(np.array([1.0, 1.0, 1.0, -1.0]))
    (10.0, 1.0)
    """
    largest = np.abs(values).max(initial=0.0)
    if not largest:
        return 0.0
    scaled = np.asarray(values / largest, np.float64)
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def joined_weights(parts: Sequence[Weights | None], sources: Sequence[str]) -> Weights | None:
    """Return the weights of joined samples.

    Raises
    ------
    JetFileError
        Some have weights and others have none: it is undefined what the others count.
    """
    lacking = [source for part, source in zip(parts, sources, strict=True) if part is None]
    if len(lacking) == len(parts):
        return None
    if lacking:
        raise JetFileError(
            f"{lacking[0]}: has no weights, other jets beside it have; write a dataset 'weight' into it, or leave it "
            "out of theirs"
        )
    return np.concatenate([part for part in parts if part is not None])


def joined_events(parts: Sequence[Events | None], lengths: Sequence[int]) -> Events | None:
    """Return the event numbers of joined samples; a jet without one is an event of its own, of a number below all.

    >>> joined_events([None, np.array([7, 7])], [2, 2])
    array([-2, -1,  7,  7])
    """
    known = [part for part in parts if part is not None]
    if not known:
        return None
    free = min(0, *(int(part.min(initial=0)) for part in known))
    found = []
    for part, length in zip(parts, lengths, strict=True):
        if part is None:
            part = np.arange(free - length, free)
            free -= length
        found.append(part)
    return np.concatenate(found)
