"""The DataTree: read and written as NetCDF4, its arrays and labels by name, and what is said where one is missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from analysis.legacy import with_all_labels
from jets.errors import UserError, legible
from jets.files import save_netcdf
from jets.sums import assert_intact
from jets.untrusted.checker import assert_readable

WEIGHTS = ("weights.safetensors", "weights.pt")
"""Names of the weights in a run's folder, today and before."""
NATS = {"units": "nat"}
"""Attributes of an array of information."""


class UnknownClassError(UserError):
    """The class to be tagged is not among the jets."""


class Missing(UserError):
    """Something that was asked for is not there; the message says what, and the remedy where there is one."""


def save(data: xr.DataTree | xr.Dataset, path: str | Path) -> Path:
    """Write a tree or table as NetCDF4, atomically, large arrays compressed; return the path."""
    return save_netcdf(data, path)


def open(path: str | Path, folder: Path | None = None) -> xr.DataTree:
    """Read a saved tree or table wholly, a table as a tree without children; older ones get the labels of today.

    Of a run's ``folder`` only what lies in it is read.

    Raises
    ------
    Missing
        There is no such file.
    DamagedError
        It is not what its checksum says, or a link to somewhere outside the run's folder.
    JetFileError
        It cannot be read, or points to other files.
    """
    if not Path(path).is_file():
        raise Missing(f"{path}: no such file")
    assert_intact(Path(path), folder or Path(os.path.realpath(path)).parent)
    assert_readable(path)
    with legible(path, "result", "delete it, and make it again"), xr.open_datatree(path, engine="h5netcdf") as tree:
        return with_all_labels(tree.load())


def of_run(path: Path, digest: str) -> xr.DataTree | None:
    """Return a result in a run's folder; None where there is none, or it is of another recipe or other weights.

    Results of before digests were kept are of the run, unless they are older than its weights.

    Parameters
    ----------
    path
        The file.
    digest
        Of the recipe and weights as they are: :attr:`inference.run.Run.digest`.
    """
    if not path.exists():
        return None
    found = open(path, path.parent)
    made = found.attrs.get("digest")
    if made is None:
        weights = [path.parent / name for name in WEIGHTS]
        newer = any(each.exists() and path.stat().st_mtime < each.stat().st_mtime for each in weights)
        return None if newer else found
    return found if made == digest else None


def array(tree: xr.DataTree, path: str) -> xr.DataArray:
    """Return the variable at ``group/name``.

    Raises
    ------
    Missing
        The tree lacks it; the message lists the group's variables.
    """
    group, name = path.split("/")
    if group not in tree or name not in tree[group]:
        known = list(tree[group].dataset) if group in tree else list(tree)
        raise Missing(f"the tree has no {path}; it has {', '.join(map(str, known))}")
    found = tree[group][name]
    assert isinstance(found, xr.DataArray)
    return found


def classes(tree: xr.DataTree) -> list[str]:
    """Return the names of the classes."""
    return [str(name) for name in np.atleast_1d(tree.attrs["classes"])]


def class_names(tree: xr.DataTree) -> np.ndarray:
    """Return the class of each jet, ``(jet,)``."""
    return np.asarray(array(tree, "constant_data/class_name"))


def signal_of(known: Iterable[str], wanted: str | None = None, *, against_others: bool = False) -> str:
    """Return the class to be tagged: the one that is wanted, by default the last.

    Raises
    ------
    UnknownClassError
        It is not among the jets; or, with ``against_others``, it is the only one.
    """
    found = [str(name) for name in np.atleast_1d(np.asarray(list(known)))]
    signal = found[-1] if wanted is None else wanted
    if signal not in found:
        raise UnknownClassError(f"--signal: unknown class {signal!r}; the jets are {', '.join(found)}")
    if against_others and len(found) < 2:
        raise UnknownClassError(f"--signal {signal}: tagging needs it and another class; all jets are {signal}")
    return signal


def names(values: xr.DataArray | xr.Dataset, coordinate: str) -> list[str]:
    """Return the labels along a dimension.

    >>> names(xr.DataArray([1, 2], coords={"x": ["a", "b"]}), "x")
    ['a', 'b']
    """
    return [str(name) for name in np.asarray(values[coordinate])]


def where(values: xr.DataArray, dimension: str, **wanted: str | Sequence[str]) -> xr.DataArray:
    """Return the entries along a dimension whose labels, coordinates along it, have the wanted values.

    >>> z = xr.DataArray([1, 2, 3], coords={"x": [0, 1, 2], "kind": ("x", ["real", "angle", "real"])}, dims="x")
    >>> where(z, "x", kind="real").values
    array([1, 3])
    """
    chosen = np.ones(values.sizes[dimension], bool)
    for label, value in wanted.items():
        chosen &= np.isin(np.asarray(values[label]), np.atleast_1d(np.asarray(value)))
    return values.isel({dimension: np.flatnonzero(chosen)})
