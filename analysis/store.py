"""Typed access to the arrays of a DataTree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr


class UnknownClassError(ValueError):
    """The class to be tagged is not among the jets."""


class Missing(KeyError):
    """Something that was asked for is not there; the message says what, and the remedy where there is one."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


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


def names(values: xr.DataArray | xr.Dataset, coordinate: str) -> list[str]:
    """Return the labels along a dimension.

    >>> names(xr.DataArray([1, 2], coords={"x": ["a", "b"]}), "x")
    ['a', 'b']
    """
    return [str(name) for name in np.asarray(values[coordinate])]


def open_tree(path: str | Path, chunks: Any = None) -> xr.DataTree:
    """Open a saved tree; values are read when they are used.

    ``chunks``, as xarray takes it (``"auto"``), splits large arrays for dask, where that is installed.
    """
    return xr.open_datatree(path, engine="h5netcdf", chunks=chunks)
