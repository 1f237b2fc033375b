"""What a simulated file says that it was made with."""

from __future__ import annotations

import json
from pathlib import Path

from jets.hdf5 import legible
from jets.simulation.config import BEFORE_LEVELS
from jets.untrusted import checker

SHOWN = ("process", "level", "shower", "hadronisation", "detector", "tune", "mpi", "seed")
LONGEST = 40
"""Characters of a value that are shown: the file may not be ours."""


def settings_of(path: Path) -> dict[str, str]:
    """Return process, level, shower, tune, hadronisation, detector, MPI, seed and Pythia of a file; else nothing.

    ``level`` is a simulated file's own, ``beside`` the others of the same jets.

    Raises
    ------
    JetFileError
        It is no HDF5 file of jets, or damaged.
    """
    with legible(path), checker.opened(path) as file:
        given, own = file.attrs.get("config"), file.attrs.get("level", "hadron")
    try:
        config = json.loads(given)
        found = BEFORE_LEVELS | {name: config[name] for name in SHOWN if name in config}
        levels = [level for level in found["level"] if level != own]
        version = config["versions"]["pythia8mc"]
    except (TypeError, ValueError, KeyError, RecursionError):
        return {}
    known = {name: found[name] for name in SHOWN if name in found} | {"level": own}
    known |= {"mpi": "on" if found.get("mpi") else "off"}
    known |= {"beside": " and ".join(map(str, levels))} if levels else {}
    shown = {name: str(value)[:LONGEST] for name, value in (known | {"Pythia": version}).items()}
    return {name: value if value.isprintable() else repr(value) for name, value in shown.items()}
