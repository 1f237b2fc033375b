"""The folder ``F.partial`` in which the finished blocks of an unfinished sample ``F`` wait.

Every file in it appears under its name in one step, complete: a process may be killed at any moment.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jets.disk import made
from jets.files import replacing
from jets.simulation.block import simulate_block
from jets.simulation.config import BEFORE_LEVELS, Config, SimulationError, sample_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = "names"
"""Array of a block's file that says which others there are."""


def folder_of(out: Path) -> Path:
    """Return the folder where the blocks of a sample wait.

    >>> folder_of(Path("top.h5")).name
    'top.h5.partial'
    """
    return out.with_name(out.name + ".partial")


def begin(folder: Path, config: Config) -> None:
    """Create the folder, or check that the one there belongs to the same sample.

    Raises
    ------
    SimulationError
        If it was begun with other arguments or other versions.
    """
    made(folder)
    record, wanted = folder / "config.json", sample_record(config)
    if not record.exists():
        with replacing(record) as temporary:
            temporary.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        return
    try:
        found = json.loads(record.read_text(encoding="utf-8-sig"))
        if not isinstance(found, dict):
            raise ValueError("no table")
    except (OSError, ValueError, RecursionError) as error:
        raise SimulationError(f"{record}: not readable ({error}); delete {folder} to start again") from error
    found = BEFORE_LEVELS | found
    wrong = [f"{key} = {found.get(key)}, not {wanted[key]}" for key in wanted if found.get(key) != wanted[key]]
    if wrong:
        raise SimulationError(
            f"{folder} was begun with {'; '.join(wrong)}: give the same arguments to continue it, "
            "another --out, or delete that folder to start again"
        )


def block_path(folder: Path, block: int) -> Path:
    """Return the path of a block's file."""
    return folder / f"block-{block:06d}.npz"


def ensure_block(folder: Path, config: Config, block: int) -> int:
    """Simulate a block unless it is there, and return how many jets it has.

    Raises
    ------
    SimulationError
        As :func:`jets.simulation.block.simulate_block`.
    """
    path = block_path(folder, block)
    if not is_whole(path):
        arrays = simulate_block(config, block)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, **{NAMES: np.array(sorted(arrays))})
    with np.load(path) as arrays:
        return len(arrays["label"])


def is_whole(path: Path) -> bool:
    """Whether a block is there and what its checksums say; one that is not is simulated again, to the same jets."""
    if not path.exists():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            whole = archive.testzip() is None
        with path.open("rb") as file, np.load(file) as arrays:
            return whole and sorted(arrays) == sorted([NAMES, *arrays[NAMES].tolist()])
    except (OSError, ValueError, LookupError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error):
        return False


def load_block(folder: Path, block: int) -> dict[str, NDArray]:
    """Return the arrays of a block that is there, those of :func:`jets.simulation.block.simulate_block`."""
    with np.load(block_path(folder, block)) as arrays:
        return {name: arrays[name] for name in arrays if name != NAMES}
