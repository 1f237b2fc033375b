"""Jets as a table with a row for each class: what a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame


def by_class(classes: Sequence[str], label: NDArray[np.integer], constituents: NDArray[np.floating]) -> DataFrame:
    """Return a row for each class: how many jets, median and range of their pT [GeV], their median multiplicity.

    Parameters
    ----------
    classes
        Their names.
    label
        Number of each jet's class, ``(N,)``.
    constituents
        pT [GeV], rapidity, azimuth ``(N, M, 3)``, or vectors ``(N, K)``.

    >>> by_class(["w"], np.zeros(2, int), np.array([[[300.0, 0, 0], [200.0, 0, 0]], [[600.0, 0, 0], [0, 0, 0]]]))
      class  jets  pT [GeV]       range  constituents
    0     w     2     550.0  500 to 600             1
    """
    vectors, rows = constituents.ndim == 2, []
    for i, name in enumerate(classes):
        found = constituents[label == i]
        row: dict[str, Any] = {"class": name, "vectors" if vectors else "jets": len(found)}
        if len(found) and not vectors:
            pt, particles = found[..., 0].sum(1), (found[..., 0] > 0).sum(1)
            low, middle, high = np.quantile(pt, (0, 0.5, 1))
            row |= {"pT [GeV]": round(float(middle), 1), "range": f"{low:.4g} to {high:.4g}"}
            row["constituents"] = int(np.median(particles))
        rows.append(row)
    return DataFrame(rows)
