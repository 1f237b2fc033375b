"""What jets must be, checked where they enter, from a file or from memory: mended where there is one right reading."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from jets.axis import around_axis, without_junk
from jets.errors import JetFileError
from jets.notes import first, say

Array = NDArray[np.float32]

MOST_PT = 50e3
"""The pT of a jet [GeV] is below this at any collider planned; above it is in MeV (from 50 GeV on)."""
LEAST_PT = 1e-6
"""And above this, normalised jets included: images and clouds divide by it in float32."""
LONGEST, CLASSES, COLUMNS = 200, 10_000, 10_000
"""Characters of the name of a class or column; classes and columns of a sample."""
LARGEST = 1e15
"""Vectors of numbers beyond this have squares whose sums float32 does not hold."""


class Mended(NamedTuple):
    """What was mended in a sample where it entered: numbers of jets, and of constituents."""

    wrapped: int = 0
    """Jets whose azimuths were wrapped about their hardest constituent."""
    centred: int = 0
    """Jets whose absolute positions were taken relative to their centroid."""
    sorted: int = 0
    """Jets whose constituents were sorted by falling pT."""
    dropped: int = 0
    """Empty constituents in front of others or between them, which went to the end."""

    def and_of(self, other: Mended) -> Mended:
        """Return what was mended in both of two samples."""
        return Mended(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def constituents(values: Any, name: str, absolute: bool | None = None) -> tuple[Array, Mended]:
    """Return constituents ``(N, M, 3)``, or vectors ``(N, K)``, as float32 that a model can describe; what was mended.

    Jets: pT falls, padding (pT = 0) is at the end and zero, azimuths are wrapped about the hardest constituent. What
    is right already is returned as it is, uncopied. ``absolute`` says whether positions are; None: as values suggest.

    Raises
    ------
    JetFileError
        Other shapes, no numbers, NaN or infinity, negative pT, or what no jet has; the message starts with ``name``.
    """
    found = numbers(values, f"{name}: constituents")
    if found.ndim == 2:
        return _vectors(found, name), Mended()
    if found.ndim != 3 or found.shape[-1] != 3 or 0 in found.shape:
        raise JetFileError(
            f"{name}: constituents has shape {found.shape}, expected (jets, constituents, 3) with jets > 0: "
            "pT, eta, phi; or vectors (N, K)"
        )
    found = without_junk(found)
    _finite(found, name)
    _momenta(found, name)
    found, turned, centred = around_axis(found, name, absolute)
    found, rows, gaps = _falling(found, name)
    return found, Mended(turned, centred, rows, gaps)


def array(values: Any, name: str) -> NDArray:
    """Return values as an array, uncopied where they are one; ``name`` is what they are called.

    Raises
    ------
    JetFileError
        Lists of unequal length, or a masked array.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise JetFileError(f"{name} is masked; fill what is missing, .filled(0) makes padding of it")
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise JetFileError(f"{name} is no array of numbers ({error})") from error


def numbers(values: Any, name: str, dtype: DTypeLike = np.float32) -> NDArray:
    """Return values as ``dtype`` in native order, uncopied where they are; refuse what are no real numbers."""
    found = array(values, name)
    if found.dtype.kind not in "fiu":
        raise JetFileError(f"{name} is of type {found.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        return found.astype(dtype, copy=False)


def _vectors(found: Array, name: str) -> Array:
    if 0 in found.shape:
        raise JetFileError(f"{name}: has shape {found.shape}; expected finite numbers (N, K), at least one of each")
    if not np.isfinite(found).all() or np.abs(found).max() > LARGEST:
        row = int((~(np.abs(found) <= LARGEST)).any(1).argmax())
        raise JetFileError(
            f"{name}: expected finite numbers (N, K) of size up to {LARGEST:g} in float32 (first other: row {row}); "
            "drop it, or rescale"
        )
    return found


def _finite(found: Array, name: str) -> None:
    if np.isfinite(found).all():
        return
    bad = np.asarray(~np.isfinite(found).all((1, 2)))
    raise JetFileError(f"{name}: constituents of {first(bad)} hold NaN or inf in float32; drop them")


def _momenta(found: Array, name: str) -> None:
    pt = found[..., 0]
    total = pt.sum(1, dtype=np.float64)
    bad = (pt.min(1) < 0) | (total <= 0)
    if bad.any():
        raise JetFileError(f"{name}: pT of {first(bad)} is negative or zero in sum; drop them")
    bad = (total < LEAST_PT) | (total > MOST_PT)
    if bad.any():
        raise JetFileError(
            f"{name}: {first(bad)} have a pT of {total[bad.argmax()]:.3g} GeV, outside {LEAST_PT:g} to {MOST_PT:g}; "
            "give pT in GeV (MeV / 1000) in column 0, eta and phi in columns 1 and 2"
        )


def _falling(found: Array, name: str) -> tuple[Array, int, int]:
    """Sort the constituents of jets whose pT does not fall; so padding in front or between goes to the end.

    Also returns how many jets were sorted, and how many empty constituents were in front or between.
    """
    pt = found[..., 0]
    rows = (pt[:, 1:] > pt[:, :-1]).any(1)
    if not rows.any():
        return found, 0, 0
    gaps = int(((pt[:, :-1] == 0) & (pt[:, 1:] > 0)).sum())
    found = found.copy()
    order = np.argsort(-pt[rows], axis=1, kind="stable")
    found[rows] = np.take_along_axis(found[rows], order[..., None], 1)
    empty = f", with {gaps} gaps of empty ones" if gaps else ""
    say(f"{name}: constituents of {rows.sum()} jets were not in falling pT{empty}; sorted, empty ones last")
    return found, int(rows.sum()), gaps


def labels(values: Any, classes: Sequence[str], count: int, name: str) -> NDArray[np.int64]:
    """Return one index into ``classes`` for each of ``count`` jets, ``(N,)`` int64.

    Raises
    ------
    JetFileError
        No classes, another length, no whole numbers, or numbers of no class.
    """
    if not classes:
        raise JetFileError(f"{name}: classes is empty; give a name for each label")
    expected = f"{name}: label needs one whole number in 0..{len(classes) - 1} for each jet ({few(classes)})"
    found = array(values, f"{name}: label")
    if found.dtype.kind not in "fiub":
        raise JetFileError(f"{expected}; got {found.dtype}")
    if found.shape != (count,):
        raise JetFileError(f"{expected}; got shape {found.shape} for {count} jets")
    bad = ~((found >= 0) & (found < len(classes)))
    if found.dtype.kind == "f":
        bad |= found != np.floor(found)
    if bad.any():
        raise JetFileError(f"{expected}; got {found[bad.argmax()]} ({first(bad)})")
    return found.astype(np.int64, copy=False)


def few(words: Sequence[str]) -> str:
    """Return the first words of a list.

    >>> few(["a", "b"]), few(list("abcdefgh"))
    ('a, b', 'a, b, c, d, e, f, ...')
    """
    return ", ".join(words[:6]) + ", ..." * (len(words) > 6)


def names(values: Any, what: str, name: str, *, ratios: bool = False) -> tuple[str, ...]:
    """Return names of classes or columns as text; those in bytes, as numpy's fixed-length strings are, decoded.

    With ``ratios``, as columns have them, ``tau2/tau1`` becomes ``tau2_over_tau1``, and is said.

    Raises
    ------
    JetFileError
        One string instead of a list, names that cannot be printed in a line or are no part of a path, or one twice.
    """
    given = values.tolist() if isinstance(values, np.ndarray | np.generic) else values
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        remedy = f", ({given!r},) for one" if isinstance(given, str | bytes) else ""
        raise JetFileError(f"{name}: {what} is {given!r}; expected a list of names{remedy}")
    try:
        found = tuple(n.decode() if isinstance(n, bytes) else n for n in given)
    except UnicodeDecodeError as error:
        raise JetFileError(f"{name}: {what} holds a name that is no UTF-8 text ({error})") from error
    if ratios and (divided := [n for n in found if isinstance(n, str) and "/" in n]):
        found = tuple(n.replace("/", "_over_") if n in divided else n for n in found)
        say(f'{name}: {what}: {len(divided)} with a "/", {reprlib.repr(divided[0])} first, have "_over_" in its place')
    bad = [n for n in found if not is_name(n)]
    if bad:
        raise JetFileError(
            f"{name}: {what} has the name {reprlib.repr(bad[0])}; every name must be text, printable, not empty, of at "
            f'most {LONGEST} characters, without "/" and blanks around it'
        )
    twice = next((n for n, several in Counter(found).items() if several > 1), None)
    if twice is not None:
        raise JetFileError(f"{name}: {what} has {twice!r} twice; give each its own name")
    return tuple(map(str, found))


def is_name(text: Any) -> bool:
    r"""Whether something can be the name of a class or column.

    >>> is_name("tau21"), is_name(" tau21"), is_name("tau2/tau1"), is_name("a\tb"), is_name(5)
    (True, False, False, False, False)
    """
    return (
        isinstance(text, str) and 0 < len(text) <= LONGEST and text == text.strip() and text.isprintable()
    ) and "/" not in text


def numbered(most: int, name: str, stem: str = "class_") -> tuple[str, ...]:
    """Return names of the classes 0, 1, ... ``most``.

    Raises
    ------
    JetFileError
        There are none, or unreasonably many.

    Examples
    --------
    >>> numbered(2, "a.npy")
    ('class_0', 'class_1', 'class_2')
    """
    if not 0 <= most < CLASSES:
        raise JetFileError(f"{name}: labels go up to {most}; expected whole numbers from 0 to {CLASSES - 1}")
    return tuple(f"{stem}{i}" for i in range(int(most) + 1))


def columns(group: Any, count: int, name: str) -> dict[str, Array]:
    """Return observables by name as float32, one number for each of ``count`` jets; NaN where one lacks it.

    Raises
    ------
    JetFileError
        No mapping, too many columns, another length, or no real numbers.
    """
    if not isinstance(group, Mapping):
        raise JetFileError(f"{name} is of type {type(group).__name__}; expected names and arrays, {{name: (N,)}}")
    if len(group) > COLUMNS:
        raise JetFileError(
            f"{name} has {len(group):,} columns; at most {COLUMNS:,} are read: leave out what is not used"
        )
    found = {}
    for given, column in zip(group, names(list(group), "columns", name, ratios=True), strict=True):
        values = numbers(group[given], f"{name} {column!r}")
        if values.shape != (count,):
            raise JetFileError(
                f"{name} {column!r} has shape {values.shape}; expected one number for each of {count} jets"
            )
        found[column] = without_infinities(values, f"{name} {column!r}")
    return found


def without_infinities(values: Array, what: str) -> Array:
    """Return an observable with NaN for infinite numbers, as divisions by zero leave them, and say how many."""
    infinite = np.isinf(values)
    if not infinite.any():
        return values
    say(f"{what}: {int(infinite.sum()):,} infinite in float32, taken as missing (NaN)")
    return np.where(infinite, np.nan, values).astype(values.dtype)
