"""Estimators of intrinsic dimension: those of scikit-dimension, the correlation dimension, and D2 of one training.

Each takes points and a seed and returns one number. Where it is read is fixed here for all points alike:

- TwoNN: the two nearest neighbours of each point, the tenth of largest ratios left out.
- MLE (Levina & Bickel): 20 neighbours, the inverse of the mean inverse.
- DANCo: 10 neighbours, of at most 20 dimensions; calibrated by the package's table, above 5,000 points by simulation.
- lPCA: eigenvalues above a twentieth of the largest, among 100 neighbours of each of 500 points; the mean.
- correlation: the slope between the distances within which lie a thousandth and a hundredth of all pairs.
- D2: the mean over the five neighbouring of 25 resolutions, a factor of 2.2 in beta, at which D2 is flattest: its range
  over its mean is least. The resolutions reach from a sixtieth of the points' spread to twice the spread; only those up
  to a quarter of it are read, and only where D1 and D2 agree within 10 % at all five. Else there is no number.

D2 is of one training of the recipe vae-toy on four fifths of the points, two hidden layers of 64, min(K, 16) latents,
3,000 steps of 128 points, whatever the points.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from analysis.evaluation.resolutions import dimension
from analysis.measures.correlation_dimension import correlation_dimension
from benchmarks.dimension_points import spread
from inference.recipe import Recipe, read
from inference.training import train

Array = NDArray[np.float64]
FINEST = 60
"""The finest resolution is the spread over this; the coarsest is twice the spread."""
WINDOW = 5
"""Neighbouring resolutions over which D2 is read."""
AGREE = 0.1
"""Relative difference of D1 and D2 up to which D2 is read."""
COARSEST = 0.25
"""Largest beta that is read, in units of the spread."""
LATENTS, WIDTH, STEPS, BATCH, TEST = 16, 64, 3000, 128, 0.2
COMPILED = True
"""Whether its step is compiled."""
NEIGHBOURS, CENTRES, LARGEST, TABLE = 100, 500, 20, 5000
"""Of lPCA: neighbours, and points about which; of DANCo: largest dimension, and most points of its table."""
PAIRS = (0.001, 0.01)
"""Parts of all pairs within the two distances between which the correlation dimension is read."""


class Estimate(NamedTuple):
    """A dimension; NaN where there is none. ``curve`` is it against scale, where it has one: name -> list."""

    value: float
    curve: Mapping[str, list[float]] | None = None


def peers() -> Any:
    """Return the estimators of scikit-dimension; without it, say in a line what to install."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import skdim
    except ImportError:
        sys.exit("error: scikit-dimension is missing; pip install '.[peers]'")
    return skdim.id


def two_nn(x: Array, seed: int) -> Estimate:
    return Estimate(float(peers().TwoNN().fit(x).dimension_))


def mle(x: Array, seed: int) -> Estimate:
    return Estimate(float(peers().MLE().fit(x, n_neighbors=20).dimension_))


@cache
def calibrated(count: int) -> dict[str, Any]:
    """Return what DANCo finds for balls of so many points, to fill and to keep; the same for all points."""
    return {"k": 10, "N": count, "calibration_data": [], "maxdim": 0}


def danco(x: Array, seed: int) -> Estimate:
    most = {"D": min(x.shape[1], LARGEST), "random_state": seed}
    if len(x) <= TABLE:
        found = peers().DANCo(ver="DANCoFit", **most).fit(x)
    else:
        found = peers().DANCo(calibration_data=calibrated(len(x)), **most).fit(x)
    return Estimate(float(found.dimension_))


def lpca(x: Array, seed: int) -> Estimate:
    from scipy.spatial import KDTree

    centres = np.random.default_rng(seed).permutation(len(x))[:CENTRES]
    _, near = KDTree(x).query(x[centres], NEIGHBOURS + 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # where points are exactly flat
        return Estimate(float(np.mean([peers().lPCA().fit(x[rows]).dimension_ for rows in near])))


def correlation(x: Array, seed: int) -> Estimate:
    distances = pdist(x)
    scales = np.quantile(distances, PAIRS)
    matrix = squareform(distances)
    finer = np.geomspace(np.quantile(distances, PAIRS[0] / 2), np.quantile(distances, 0.5), 16)
    curve = correlation_dimension(matrix, finer, bootstrap=2) if len(x) <= TABLE else None
    value = float(correlation_dimension(matrix, scales, bootstrap=2).dimension[0])
    return Estimate(value, curve and {"scale": curve.scale.tolist(), "dimension": curve.dimension.tolist()})


def recipe_of(file: Path, count: int, columns: int, seed: int) -> Recipe:
    """Return the recipe for points of spread 1 in a file."""
    per_epoch = max(1, round((1 - TEST) * count) // BATCH)
    return read(
        "vae-toy",
        {
            "data.files": [str(file)],
            "data.test": TEST,
            "data.validation": 0.0,
            "model.latent": f"R{min(columns, LATENTS)}",
            "model.encoder": [WIDTH, WIDTH],
            "model.decoder": [WIDTH, WIDTH],
            "model.beta": [1 / FINEST, 2.0],
            "training.batch_size": BATCH,
            "training.epochs": math.ceil(STEPS / per_epoch),
            "training.seed": seed,
            "training.checkpoint_seconds": 1e6,
            "training.compile": COMPILED,
        },
    )


def curves(x: Array, seed: int) -> xr.Dataset:
    """Train once on points ``(N, K)`` and return D1 and D2 of the fifth that was held out; beta in units of the spread.

    The points are centred and divided by their spread, so that one compiled step serves all with as many columns.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "points.npy"
        np.save(file, ((x - x.mean(0)) / spread(x)).astype(np.float32))
        run = train(recipe_of(file, len(x), x.shape[1], seed), Path(folder) / "run")
        return dimension([run], seed=seed)


def plateau(found: xr.Dataset) -> float:
    """Return D2 where it is flattest: its mean over WINDOW resolutions at all of which D1 agrees; NaN without any.

    ``found``: ``D1`` and ``D2`` along ``beta``, rising, in units of the points' spread.
    """
    beta, d1, d2 = (np.asarray(found[name]) for name in ("beta", "D1", "D2"))
    best, value = np.inf, np.nan
    for first in range(len(beta) - WINDOW + 1):
        rows = slice(first, first + WINDOW)
        agree = np.abs(d1[rows] - d2[rows]) <= AGREE * d2[rows]
        if not agree.all() or beta[rows][-1] > COARSEST or d2[rows].mean() <= 0:
            continue
        if (rough := np.ptp(d2[rows]) / d2[rows].mean()) < best:
            best, value = rough, float(d2[rows].mean())
    return value


def d2(x: Array, seed: int) -> Estimate:
    found = curves(x, seed)
    curve = {name: np.asarray(found[name], float).round(5).tolist() for name in ("beta", "D1", "D2")}
    return Estimate(plateau(found), curve)


ESTIMATORS: dict[str, Callable[[Array, int], Estimate]] = {
    "TwoNN": two_nn,
    "MLE": mle,
    "DANCo": danco,
    "lPCA": lpca,
    "correlation": correlation,
    "D2": d2,
}
"""Name -> estimator."""
OURS = ("correlation", "D2")
"""Those that need no other package."""
