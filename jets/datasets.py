"""The datasets of an HDF5 file of jets, each checked for type and shape before any of it is read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from jets import checks
from jets.dataset import GROUPS
from jets.errors import JetFileError
from jets.simulation.config import CLASSES
from jets.weights import EVENT_NAMES, WEIGHT_NAMES


def dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of real numbers."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise JetFileError(f"{path}: {name} is no dataset; see docs/data.md for the format")
    if data.dtype.kind not in "fiub" or data.shape is None:
        raise JetFileError(f"{path}: {name} is of type {data.dtype}; expected real numbers")
    return data


def constituents(data: h5py.Dataset, path: Path) -> h5py.Dataset:
    """Return the constituents, after asserting that they are such by their shape."""
    if data.ndim != 3 or data.shape[-1] != 3 or 0 in data.shape:
        raise JetFileError(
            f"{path}: constituents has shape {data.shape}, expected (jets, constituents, 3) with jets > 0"
        )
    return data


def classes(file: h5py.File, path: Path) -> tuple[str, ...]:
    """Return the names of the classes: an attribute, or a dataset, of text or bytes."""
    if "classes" in file.attrs:
        return checks.names(file.attrs["classes"], "the attribute classes", str(path))
    if "classes" not in set(file):
        return CLASSES
    held = file["classes"]
    return checks.names(held[()] if isinstance(held, h5py.Dataset) else None, "the dataset classes", str(path))


def steps(data: h5py.Dataset, path: Path) -> NDArray[np.float32] | None:
    """Return the three step sizes of constituents that are stored as whole numbers of steps."""
    if "scale" not in data.attrs:
        return None
    scale = np.asarray(data.attrs["scale"])
    if scale.dtype.kind not in "fiu" or scale.shape not in ((), (1,), (3,)) or not np.isfinite(scale).all():
        raise JetFileError(f"{path}: the attribute scale of constituents is {scale!r}; expected three step sizes")
    with np.errstate(over="ignore"):
        return np.asarray(scale.astype(np.float32))


def columns(file: h5py.File, name: str, path: Path, count: int) -> tuple[h5py.Dataset | None, tuple[str, ...]]:
    """Return a table and the names of its columns; None and no names where there is none."""
    if name not in set(file):
        return None, ()
    data = dataset(file, name, path)
    columns = checks.names(data.attrs.get("columns", ()), f"the attribute columns of {name}", str(path), ratios=True)
    if data.shape != (count, len(columns)):
        raise JetFileError(
            f"{path}: {name} has shape {data.shape}, expected ({count}, {len(columns)}) by its 'columns'"
        )
    return data, columns


def beside(file: h5py.File, names: tuple[str, ...], path: Path, count: int) -> h5py.Dataset | None:
    """Return the one dataset that has one of these names; None without any."""
    found = [name for name in names if name in set(file)]
    if len(found) > 1:
        raise JetFileError(f"{path}: has {' and '.join(found)}; keep one of them")
    if not found:
        return None
    data = dataset(file, found[0], path)
    if data.shape[:1] != (count,):
        what = "weights" if names is WEIGHT_NAMES else "event numbers"
        raise JetFileError(f"{path}: {what} have shape {data.shape}; expected one for each of {count} jets")
    return data


def say_what_is_not_read(file: h5py.File, path: Path) -> None:
    """Name what may be weights or event numbers under another name."""
    read = {"constituents", "label", "classes", *GROUPS, *WEIGHT_NAMES, *EVENT_NAMES}
    for name in sorted(set(file) - read):
        if "weight" in name.lower() or "event" in name.lower():
            known = WEIGHT_NAMES[0] if "weight" in name.lower() else EVENT_NAMES[0]
            checks.say(f"{path}: {name!r} is not read; were it named {known!r}, it would be")
