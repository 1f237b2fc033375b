"""The top-tagging reference set (Zenodo 2603256): a pandas table of 200 (E, px, py, pz) a jet, hardest first [GeV]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.errors import JetFileError
from jets.formats.containers import kind, needed
from jets.formats.particles import Particles, Reading, Wanted
from jets.untrusted import checker

WHAT = "top-tagging reference set (pandas table)"
USES = ("labels",)
ROWS, PARTICLES = 10_000, 200
CLASSES = ("qcd", "top")
FLOATS, WHOLE = "values_block_0", "values_block_1"
"""Fields of a row: momenta of the particles and of the top; (ttv, is_signal_new)."""


def recognised(path: Path) -> bool:
    """Whether there is such a table."""
    if kind(path) != "hdf5":
        return False
    with checker.opened(path) as file:
        fields = getattr(file.get("table/table"), "dtype", np.dtype("f4")).names or ()
        return {FLOATS, WHOLE} <= set(fields) and file["table/table"].dtype[FLOATS].shape[0] >= 4 * PARTICLES


def read(path: Path, wanted: Wanted) -> Reading:
    """Open the table; the label is its last whole number, ``is_signal_new``."""
    needed("hdf5plugin", path)
    assumed = ("columns E, px, py, pz of 200 particles, GeV; label is_signal_new: 0 qcd, 1 top",)
    return Reading(wanted.labels or CLASSES, assumed, parts(path))


def parts(path: Path) -> Iterator[Particles]:
    """Yield the jets."""
    from jets.formats.describe import energy_last  # numba takes half a second to import

    with checker.opened(path) as file:
        table = file["table/table"]
        for start in range(0, len(table), ROWS):
            rows = table[start : start + ROWS]
            values = rows[FLOATS][:, : 4 * PARTICLES].reshape(len(rows), PARTICLES, 4)
            whole = rows[WHOLE]
            if whole.shape[1] < 2:
                raise JetFileError(f"{path}: has no columns ttv and is_signal_new")
            yield Particles(energy_last(values), whole[:, 1].astype(np.int64), {"ttv": whole[:, 0].astype(np.float32)})
