"""Generated jets, images and vectors on disk, each as its kind is kept."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from inference.recipe import Recipe
from jets import Jets, save
from jets.errors import UserError
from jets.files import save_netcdf, save_npy

SUFFIXES = {"clouds": (".h5", ".hdf5"), "images": (".nc",), "vectors": (".npy",)}
"""What a run describes -> suffixes of files of it."""


def assert_suffix(recipe: Recipe, path: str | Path) -> None:
    """Assert that a file's suffix is one for what a run describes.

    Raises
    ------
    UserError
        It is not.
    """
    kind = "clouds" if recipe.model.clouds else "vectors" if recipe.model.inputs else "images"
    if Path(path).suffix.lower() not in SUFFIXES[kind]:
        raise UserError(f"{path}: {kind} are written as {' or '.join(SUFFIXES[kind])}; give that suffix")


def written(found: xr.Dataset | Jets, path: str | Path) -> Path:
    """Write what a run generated, atomically; return the path."""
    if isinstance(found, xr.Dataset):
        return save_netcdf(found, path)
    if not found.are_vectors:
        return save(path, found)
    return save_npy(found.constituents, path)
