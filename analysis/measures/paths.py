"""Which paths through latent space change a jet: those along what carries information."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.information import ACTIVE
from analysis.measures.meaning import kl_along
from analysis.measures.weighting import mean_of
from analysis.store import names

MOST = 8
"""Paths at most, those of most KL."""


def informed_paths(tree: xr.DataTree, steps: xr.DataArray) -> dict[str, NDArray[np.int64]]:
    """Return path -> numbers of its steps along ``step``, for the paths that carry information, the most first.

    ``steps`` is an array of ``traversals`` or ``slides`` whose ``step`` carries path, factor and coordinate_name. A
    path along a coordinate carries its KL, one through the vertices of a factor, or round it, that of the factor.
    """
    kl = mean_of(tree, "information/kl")
    path, factor, along = (np.asarray(names(steps, label)) for label in ("path", "factor", "coordinate_name"))
    paths = {str(name): np.flatnonzero(path == name) for name in dict.fromkeys(path.tolist())}
    informed = {
        name: np.nan_to_num(kl_along(kl, str(factor[rows[0]]), str(along[rows[0]]))) for name, rows in paths.items()
    }
    order = sorted(paths, key=lambda name: -informed[name])
    alive = [name for name in order if informed[name] >= ACTIVE][:MOST]
    if not any(informed.values()):  # of a plain autoencoder
        alive = order[:MOST]
    return {name: paths[name] for name in alive or order[:1]}


def step_title(path: str, step: str) -> str:
    """Return the name of a step within its path.

    >>> step_title("R4_0", "R4_0 = -2"), step_title("C2", "C2_1")
    ('-2', '1')
    """
    return step.removeprefix(path).strip(" _=")
