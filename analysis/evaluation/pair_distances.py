"""Jets -> their correlation dimension under the Energy Mover's Distance, through the matrix of all pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.measures.correlation_dimension import Dimension, correlation_dimension
from jets import Jets
from jets.disk import made
from jets.emd import pairwise

SCALES = np.geomspace(8.0, 300.0, 19) / 600
"""Energy scales between which the slope is taken, in units of the jet pT: 8 to 300 GeV at 600 GeV."""


def own_pt(sample: Jets) -> float:
    """Return the median transverse momentum [GeV] of the jets: recorded, or else of all their constituents together."""
    total = sample.constituents[..., 0].sum(1)
    recorded = sample.jet.get("pt", total)
    return float(np.median(np.where(np.isfinite(recorded), recorded, total)))


def jet_dimension(jets: Jets, pt: float, file: Path | None = None) -> Dimension:
    """Return the correlation dimension of jets, each scaled to transverse momentum ``pt`` [GeV], at `SCALES`.

    ``file`` keeps the pair matrix, so that an interrupted one is resumed.
    """
    distances = pairwise(jets.constituents, tolerance=0.05, file=file, progress=True)
    return correlation_dimension(pt * distances, pt * SCALES)


def of_classes(sample: Jets, at_most: int, pt: float, folder: Path | None = None) -> dict[str, Dimension]:
    """Return class -> :func:`jet_dimension` of its first ``at_most`` jets; ``folder`` keeps their pair matrices."""
    if folder is not None:
        made(folder)
    return {
        name: jet_dimension(
            sample[np.flatnonzero(sample.label == i)[:at_most]], pt, folder / f"{name}.h5" if folder else None
        )
        for i, name in enumerate(sample.classes)
    }
