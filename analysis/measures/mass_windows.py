"""Taggers in windows of the jet mass: what a score adds to the mass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.tagging import Estimate, auc

Values = NDArray[np.floating]


def auc_in_windows(
    signal: Values,
    background: Values,
    signal_mass: Values,
    background_mass: Values,
    windows: Sequence[tuple[float, float]],
) -> xr.Dataset:
    r"""Return the AUC of a score among jets with low <= mass < high, for each window (low, high) [GeV].

    ``signal`` ``(n,)`` and ``background`` ``(m,)`` are scores, larger for signal, with the masses [GeV] beside them.
    ``auc``, its ``error`` and the numbers of jets, ``signal`` and ``background``, along ``window``, which carries
    ``low`` and ``high``. NaN where a class has no jet in the window. Jets without a mass (NaN) are in no window.

    >>> mass = np.array([50.0, 60.0, 150.0, 160.0])
    >>> auc_in_windows(mass, mass - 1, mass, mass, [(0, np.inf), (100, 155)])["auc"].values
    array([0.625, 1.   ])
    """
    rows = []
    for low, high in windows:
        one, two = (
            score[(mass >= low) & (mass < high)]
            for score, mass in ((signal, signal_mass), (background, background_mass))
        )
        found = auc(one, two) if len(one) and len(two) else Estimate(np.nan, np.nan)
        rows.append((*found, len(one), len(two)))
    names = ("auc", "error", "signal", "background")
    columns = {name: ("window", list(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    low, high = np.asarray(windows, float).T
    return xr.Dataset(columns, {"low": ("window", low), "high": ("window", high)})
