"""Of which runs a result was made: their digests, which are kept with it, and which of them have changed since."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.folder import RunFolder
from inference.run import Run
from jets.errors import UserError

RUNS = "runs"
"""Attribute of a result: JSON of the path of each run, from the result's folder on, and its digest."""
NAMED = 3
"""Runs that a message names."""


def digests(runs: Sequence[Run], folder: str | Path) -> dict[str, str]:
    """Return what a result in ``folder`` that was made from ``runs`` keeps: the attribute of their digests."""
    return {RUNS: json.dumps({os.path.relpath(run.path, folder): run.digest for run in runs})}


def outdated(attributes: Mapping[Any, Any], file: Path, runs: Sequence[Path] = ()) -> str:
    """Say which runs have changed since the result in ``file``, of these attributes, was made; "" where none has.

    Parameters
    ----------
    attributes, file
        Of the result. One of before digests were kept is believed unless it is older than the weights of ``runs``.
    runs
        Folders of all the runs that it must be of, no more and no fewer, where that is known; of others only a run
        that is gone does no harm.
    """
    wanted = {os.path.relpath(run, file.parent) for run in runs}
    if RUNS in attributes:
        made = recorded(attributes[RUNS])
        if made is None:
            return "damaged: which runs it is of cannot be read"
        changed = [
            name for name, digest in made.items() if not unchanged(file.parent / name, digest, needed=name in wanted)
        ]
        if wanted:
            changed += [name for name in sorted(wanted ^ set(made)) if name not in changed]
    else:
        changed = [name for name in sorted(wanted) if newer(RunFolder(file.parent / name).weights(), file)]
    if not changed:
        return ""
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"{', '.join(changed[:NAMED])}{more} changed since"


def recorded(text: Any) -> dict[str, str] | None:
    """Return the path and digest of each run that an attribute names; None where it does not."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    strings = isinstance(found, dict) and all(isinstance(digest, str) for digest in found.values())
    return found if strings else None


def unchanged(folder: Path, digest: str, *, needed: bool) -> bool:
    """Whether the run in ``folder`` is as it was, or is gone and not ``needed``."""
    try:
        return Run.open(folder).digest == digest
    except (UserError, OSError):
        return not (needed or folder.exists())


def newer(first: Path, second: Path) -> bool:
    """Whether the first file exists and is newer than the second."""
    return first.exists() and first.stat().st_mtime > second.stat().st_mtime
