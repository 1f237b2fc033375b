"""The same numbers by jetnet itself, which need not be installed: ``pip install jetnet``, tried with 0.2.5."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
from numpy.typing import NDArray

from benchmarks.generation_metrics import distances
from benchmarks.generation_metrics.flow_polynomials import all_connected, features

Values = NDArray[np.floating]
FEW = 300
"""Jets of which jetnet computes energy flow polynomials."""


def installed() -> bool:
    return importlib.util.find_spec("jetnet") is not None


def differences(x: Values, y: Values) -> dict[str, float]:
    """Return the largest relative difference between jetnet and ours of two samples of jets ``(N, M, 3)``."""
    from jetnet import utils
    from jetnet.evaluation import gen_metrics as theirs

    x, y = x[:FEW].astype(float), y[:FEW].astype(float)
    of_x, of_y = (features(each, all_connected(each)) for each in (x, y))
    given = utils.efps(x, efpset_args=[("d<=", 4)], efp_jobs=1)
    scaled = theirs._normalise_features(of_x, of_y)
    moments = [part for each in scaled for part in (each.mean(0), np.cov(each, rowvar=False))]
    pairs = {
        "mass": (utils.jet_features(x)["mass"], distances.masses(x)),
        "energy flow polynomials": (in_order(given), in_order(of_x)),
        "Fréchet distance": (theirs._calculate_frechet_distance(*moments), distances.frechet(*scaled)),
        "kernel distance": (theirs._mmd_poly_quadratic_unbiased(*scaled), distances.kpd(*scaled)),
    }
    return {name: float(np.max(np.abs(np.asarray(a) / b - 1))) for name, (a, b) in pairs.items()}


def in_order(columns: Values) -> Values:
    """Return columns in the order of the values of the first three jets: the graphs may come in any."""
    return columns[:, np.lexsort(columns[:3])]


def public(x: Values, y: Values, of_x: Values, of_y: Values, size: int) -> dict[str, tuple[float, float]]:
    """Return jetnet's ``w1m``, ``fpd`` and ``kpd`` with errors, of jets ``(N, M, 3)`` and features ``(N, 36)``."""
    from jetnet import evaluation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "w1m": evaluation.w1m(x, y, num_eval_samples=size, num_batches=10),
            "fpd": evaluation.fpd(of_x, of_y, min_samples=size // 4, max_samples=size),
            "kpd": evaluation.kpd(of_x, of_y, batch_size=size),
        }
