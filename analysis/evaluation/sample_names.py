"""What samples are called that are compared: by what distinguishes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jets.simulation.settings import settings_of

TELLING = ("level", "shower", "tune", "hadronisation", "detector", "mpi", "process")
"""What may distinguish two simulated files, and then names them."""


def names_of(files: Sequence[str]) -> list[str]:
    """Return what distinguishes two files: their level, shower or another setting, or else the names of the files.

    >>> names_of(["sample:qcd", "sample:top"])
    ['qcd', 'top']
    """
    known = [settings_of(Path(file)) if Path(file).suffix == ".h5" and Path(file).is_file() else {} for file in files]
    for name in TELLING:
        values = [own.get(name, "") for own in known]
        if all(values) and len(set(values)) == len(files):
            return [value if name in ("level", "shower", "process") else f"{name} {value}" for value in values]
    stems = [Path(file).stem if ":" not in file else file.rpartition(":")[2] for file in files]
    return stems if len(set(stems)) == len(stems) else ["first", "second"]
