"""Arrays ``(N, M, 3 or 4)`` of particles in npy, npz, parquet or csv: columns as the user names them, or that close."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.errors import JetFileError
from jets.formats import momenta
from jets.formats.containers import kind
from jets.formats.particles import Particles, Reading, Wanted

WHAT = "arrays (N, M, 3 or 4) of particles (npy, npz)"
USES = ("labels", "columns")
ROWS = 20_000
ORDERS = (("px", "py", "pz", "E"), ("E", "px", "py", "pz"))
RELATIVE = ("pt", "eta", "phi")
KNOWN = {*momenta.KNOWN, "-"}
"""What the user can call a column; "-" is one that is not read."""


def recognised(path: Path) -> bool:
    """Whether it is such an array; in an npz, the only one or the one named X or constituents."""
    return kind(path) in ("npy", "npz") and (array := opened(path)) is not None and array.ndim == 3


def opened(path: Path) -> np.ndarray | None:
    """Return the array, mapped where it can be; None without one."""
    if kind(path) == "npy":
        return np.lib.format.open_memmap(path, mode="r")
    with np.load(path, allow_pickle=False) as file:
        name = next(
            (x for x in ("constituents", "particles", "X") if x in file.files), file.files[0] if file.files else ""
        )
        return file[name] if name else None


def read(path: Path, wanted: Wanted) -> Reading:
    """Open an array.

    Raises
    ------
    JetFileError
        Columns that are not known, or too many or few; or it is not clear which they are.
    """
    array = opened(path)
    assert array is not None
    columns = wanted.columns or guessed(path, array)
    if len(columns) != array.shape[2] or set(columns) - KNOWN:
        raise JetFileError(
            f"{path}: columns {','.join(columns)} for arrays of {array.shape[2]}; name each: {', '.join(sorted(KNOWN))}"
        )
    return Reading(wanted.labels or (path.stem,), (f"columns {', '.join(columns)}; GeV",), parts(path, array, columns))


def guessed(path: Path, array: np.ndarray) -> tuple[str, ...]:
    """Return the columns that close: energies at least momenta, or pT with positions."""
    first = np.asarray(array[:200], np.float64)
    if array.shape[2] == 4:
        for order in ORDERS:
            p4 = first[..., [order.index(x) for x in ORDERS[0]]]
            momentum = np.linalg.norm(p4[..., :3], axis=-1)
            if (p4[..., 3] >= momentum * (1 - 1e-3) - 1e-3).all() and (p4[..., 3] > 0).any():
                return order
    elif array.shape[2] == 3 and (first[..., 0] >= 0).all() and (np.abs(first[..., 1:]) < 7).all():
        return RELATIVE
    raise JetFileError(
        f"{path}: which columns are these {array.shape[2]}? Name them: --columns pt,eta,phi or E,px,py,pz"
    )


def parts(path: Path, array: np.ndarray, columns: tuple[str, ...]) -> Iterator[Particles]:
    """Yield the jets."""
    for start in range(0, len(array), ROWS):
        values = np.asarray(array[start : start + ROWS], np.float64)
        yield Particles(momenta.of_columns({name: values[..., i] for i, name in enumerate(columns)}, str(path)))
