"""Dimension of jets from their Energy Mover's Distances alone, by the estimators that need no coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.measures.correlation_dimension import correlation_dimension
from benchmarks.dimension_estimators import PAIRS, peers
from jets import load
from jets.emd import pairwise

COUNT = 1000
"""Jets of each file."""
NEIGHBOURS = 20


def of_jets(sources: Sequence[str]) -> Iterator[str]:
    """Yield a line for each source of jets."""
    for source in sources:
        jets = load(source)[:COUNT]
        yield f"{source}, {len(jets)} jets: " + ", ".join(
            of_distances(np.asarray(pairwise(jets.constituents, tolerance=0.05)))
        )


def of_distances(matrix: NDArray[np.float64]) -> Iterator[str]:
    """Yield what each estimator says of a symmetric matrix of distances ``(N, N)``."""
    nearest = np.argsort(matrix, axis=1)[:, 1 : NEIGHBOURS + 1]
    near = np.take_along_axis(matrix, nearest, 1)
    yield f"TwoNN {peers().TwoNN(dist=True).fit(near[:, :2]).dimension_:.2f}"
    known = peers().MLE().fit(np.zeros((len(matrix), 2)), precomputed_knn_arrays=(near, nearest))
    yield f"MLE {known.dimension_:.2f}"
    scales = np.quantile(matrix[np.triu_indices(len(matrix), 1)], PAIRS)
    found = correlation_dimension(matrix, scales, bootstrap=50)
    yield f"correlation {found.dimension[0]:.2f} +- {found.error[0]:.2f} at {found.scale[0]:.3g}"
