"""The folder ``F.partial`` in which the finished blocks of an unfinished sample ``F`` wait.

Every file in it appears under its name in one step, complete: a process may be killed at any moment.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jets.block import Config, simulate_block
from jets.generator import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from numpy.typing import NDArray


def versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers."""
    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def describe(config: Config) -> dict[str, object]:
    """Configuration, settings and versions: all that a sample depends on, ready for JSON."""
    return {**asdict(config), "pythia_settings": config.settings(), "versions": versions()}


def folder_of(out: Path) -> Path:
    """Where the blocks of a sample wait.

    Examples
    --------
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
    folder.mkdir(exist_ok=True)
    record, wanted = folder / "config.json", describe(config)
    if not record.exists():
        text = json.dumps(wanted, indent=1) + "\n"
        _write(record, lambda file: file.write(text.encode()))
        return
    found = json.loads(record.read_text())
    wrong = [f"{key} = {found.get(key)}, not {wanted[key]}" for key in wanted if found.get(key) != wanted[key]]
    if wrong:
        raise SimulationError(
            f"{folder} was begun with {'; '.join(wrong)}: give the same arguments to continue it, "
            "another --out, or delete that folder to start again"
        )


def block_path(folder: Path, block: int) -> Path:
    """File of a block."""
    return folder / f"block-{block:06d}.npz"


def ensure_block(folder: Path, config: Config, block: int) -> int:
    """Simulate a block unless it is there, and return how many jets it has."""
    path = block_path(folder, block)
    if not path.exists():
        arrays = simulate_block(config, block)
        _write(path, lambda file: np.savez(file, allow_pickle=False, **arrays))
    with np.load(path) as arrays:
        return len(arrays["label"])


def load_block(folder: Path, block: int) -> dict[str, NDArray]:
    """The arrays of a block that is there."""
    with np.load(block_path(folder, block)) as arrays:
        return dict(arrays)


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name, down to the disk, and move it into place."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
