"""A sample -> the structures that its points have: vectors as they are, jets by the distances between them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.climbing import BUDGET, Ground
from analysis.evaluation.facts import constant_data
from analysis.evaluation.league import shape_of
from analysis.evaluation.pair_distances import own_pt
from analysis.evaluation.parting import Search
from analysis.evaluation.structures import tree_of
from analysis.measures.observables import observables
from analysis.measures.parts import normal_mixture
from analysis.measures.scaling import scaled
from inference.machine import tune_cpu
from inference.race import Budget
from inference.run import RunError
from jets import Jets
from jets.emd import pairwise
from jets.notes import inform

FEWEST, MOST = 100, 5000
"""Points that a search takes at least, and at most: of all pairs of them distances are taken."""
NARROW = 1 / 3
"""Least spread of a component of jets' points, in resolutions."""


class Placed(NamedTuple):
    """A sample as points, and what else is known of each.

    Attributes
    ----------
    points
        ``(N, K)``.
    seen
        Observables (point, observable) with their ``kind``.
    label, unit
        Class of each point, and the unit of the points.
    facts
        What a tree says of how jets became points.
    """

    points: NDArray[np.float64]
    seen: xr.DataArray
    label: NDArray[np.str_]
    unit: str
    facts: dict[str, float]


def discover(
    sample: Jets,
    beta: float,
    *,
    at_most: int = 2000,
    pt: float | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    pool: Executor | None = None,
    say: Callable[[str], None] = inform,
) -> xr.DataTree:
    """Search for the structures of a sample at resolution ``beta``.

    Parameters
    ----------
    sample
        Vectors, of which ``beta`` has the unit, or jets.
    beta
        Of jets an Energy Mover's Distance [GeV], between jets that are scaled to transverse momentum ``pt``.
    at_most
        Points, evenly spaced in the sample.
    pt
        [GeV]; the median of the jets by default.
    seed
        Of the split, the races and the draws.
    budget, pool
        Of the races, and processes that take several at a time.
    say
        What is printed of each step.

    Returns
    -------
    xarray.DataTree
        As :func:`analysis.evaluation.structures.tree_of`, with ``shape`` where ripser is installed.

    Raises
    ------
    RunError
        Fewer than 100 points, or points that are all the same; more than 5,000 are asked for.
    Missing
        scikit-learn is not installed.
    """
    normal_mixture()  # before any work
    if at_most > MOST:
        raise RunError(
            f"{at_most:,} points; a search takes at most {MOST:,}, evenly spaced in the sample: --jets {MOST}"
        )
    tune_cpu()
    number = np.unique(np.linspace(0, len(sample) - 1, min(at_most, len(sample))).astype(int))
    chosen = sample[number]
    if len(chosen) < FEWEST:
        raise RunError(f"{', '.join(sample.sources)}: {len(chosen)} points; a search takes at least {FEWEST}")
    placed = vectors(chosen) if sample.are_vectors else by_distances(chosen, beta, pt)
    order = np.random.default_rng(seed).permutation(len(placed.points))
    held_out, train = np.split(order, [len(order) // 4])
    ground = Ground(placed.points[train], placed.points[held_out], beta, seed, budget or BUDGET, pool, say)
    shape = shape_of(placed.points, beta)
    search = Search(ground)
    tree = tree_of(search, search.run(), placed.points, placed.seen, placed.label.tolist(), placed.unit)
    tree["points/number"] = xr.DataArray(number, dims="point")
    if shape is not None:
        tree["shape"] = xr.DataTree(shape)
    tree.attrs |= placed.facts | {"data": list(sample.sources)}
    return tree


def vectors(sample: Jets) -> Placed:
    """Return a sample of vectors as points; what is seen of them are their own entries.

    Raises
    ------
    RunError
        They are all the same.
    """
    points = np.asarray(sample.constituents, np.float64)
    if not np.ptp(points, 0).any():
        raise RunError(f"{', '.join(sample.sources)}: all points are the same; a search takes points that differ")
    names = [f"x{k}" for k in range(points.shape[1])]
    coords = {
        "observable": names,
        "unit": ("observable", [""] * len(names)),
        "kind": ("observable", ["real"] * len(names)),
    }
    seen = xr.DataArray(points, dims=("point", "observable"), coords=coords)
    return Placed(points, seen, classes_of(sample), "", {})


def by_distances(sample: Jets, beta: float, pt: float | None) -> Placed:
    """Return jets as points whose distances are their Energy Mover's Distances at ``pt`` [GeV], nearly."""
    pt = own_pt(sample) if pt is None else pt
    distances = pt * pairwise(sample.constituents, tolerance=0.05, progress=True)
    found = scaled(distances, NARROW * beta)
    facts = {"pt": pt, "components": found.points.shape[1], "stress": found.stress, "correlation": found.correlation}
    seen = observables(xr.DataTree.from_dict({"constant_data": constant_data(sample)})).rename(jet="point")
    return Placed(found.points, seen, classes_of(sample), "GeV", facts)


def classes_of(sample: Jets) -> NDArray[np.str_]:
    """Return the class of each point."""
    return np.asarray(sample.classes, str)[sample.label]
