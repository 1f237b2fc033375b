"""Arrays ``(N, M, 3 or 4)`` of particles in npy or npz: columns as the user names them, or that close."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from jets import npy
from jets.errors import JetFileError
from jets.formats import momenta, whole_jet
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted

WHAT = "arrays (N, M, 3 or 4) of particles (npy, npz)"
USES = ("labels", "columns")
ROWS = 20_000
ORDERS = (("px", "py", "pz", "E"), ("E", "px", "py", "pz"))
SIDE = 8
"""Pixels that no side of an image has fewer of; particles have fewer components."""
RELATIVE = ("pt", "eta", "phi")
KNOWN = {*momenta.KNOWN, "-"}
"""What the user can call a column; "-" is one that is not read."""


def recognised(path: Path) -> bool:
    """Whether it is such an array; in an npz, the only one or the one named X or constituents."""
    return (
        kind(path) in ("npy", "npz") and (shape := shape_of(path)) is not None and (len(shape) == 3 or is_image(shape))
    )


def opened(path: Path) -> np.ndarray | None:
    """Return the array, mapped where it can be; None without one."""
    if kind(path) == "npy":
        return npy.mapped(path)
    name = chosen(npy.headers(path))
    return npy.array(path, name) if name else None


def shape_of(path: Path) -> tuple[int, ...] | None:
    """Return the shape of the array, unread; None without one."""
    if kind(path) == "npy":
        return npy.mapped(path).shape
    held = npy.headers(path)
    name = chosen(held)
    return held[name].shape if name else None


def chosen(names: Iterable[str]) -> str:
    """Return which of the arrays of an npz are particles; "" without any array.

    >>> chosen(["a", "X"]), chosen(["a", "b"]), chosen([])
    ('X', 'a', '')
    """
    held = list(names)
    return next((x for x in ("constituents", "particles", "X") if x in held), held[0] if held else "")


def read(path: Path, wanted: Wanted) -> Reading:
    """Open an array.

    Raises
    ------
    JetFileError
        Columns that are not known, or too many or few; or it is not clear which they are.
    """
    array = opened(path)
    assert array is not None
    if not wanted.columns and is_image(array.shape):
        pixels = " x ".join(map(str, array.shape[1:]))
        raise JetFileError(f"{path}: images of {pixels} pixels; give the constituents that they are made of")
    columns = wanted.columns or guessed(path, array)
    if array.ndim != 3 or len(columns) != array.shape[2] or set(columns) - KNOWN:
        raise JetFileError(
            f"{path}: columns {','.join(columns)} for arrays of {array.shape[2]}; name each: {', '.join(sorted(KNOWN))}"
        )
    found, said = whole_jet.without(path, parts(path, array, columns))
    return Reading(wanted.labels or (path.stem,), (f"columns {', '.join(columns)}; GeV", *said), found)


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether a shape ``(N, ...)`` is of images, with or without an axis of channels.

    >>> is_image((10, 40, 40)), is_image((10, 1, 40, 40)), is_image((10, 200, 4))
    (True, True, False)
    """
    sides = [side for side in shape[1:] if side > SIDE]
    return len(shape) in (3, 4) and len(sides) == 2 and sides[0] == sides[1]


def guessed(path: Path, array: np.ndarray) -> tuple[str, ...]:
    """Return the columns that close: energies at least momenta, or pT with positions.

    Raises
    ------
    JetFileError
        None do.
    """
    first = np.asarray(array[:200], np.float64)
    if array.shape[2] == 4:
        for order in ORDERS:
            p4 = first[..., [order.index(x) for x in ORDERS[0]]]
            momentum = np.linalg.norm(p4[..., :3], axis=-1)
            if (p4[..., 3] >= momentum * (1 - 1e-3) - 1e-3).all() and (p4[..., 3] > 0).any():
                return order
    elif array.shape[2] == 3 and (first[..., 0] >= 0).all() and (np.abs(first[..., 1:]) < 7).all():
        return RELATIVE
    if array.shape[2] > SIDE:
        raise JetFileError(
            f"{path}: an array {array.shape}; expected particles (N, M, 3 or 4), or px, py, pz, E first (N, 4, M)"
        )
    raise JetFileError(
        f"{path}: which columns are these {array.shape[2]}? Name them: --columns pt,eta,phi or E,px,py,pz"
    )


def parts(path: Path, array: np.ndarray, columns: tuple[str, ...]) -> Iterator[Particles]:
    """Yield the jets."""
    for start in range(0, len(array), ROWS):
        values = np.asarray(array[start : start + ROWS], np.float64)
        yield Particles(momenta.of_columns({name: values[..., i] for i, name in enumerate(columns)}, str(path)))
