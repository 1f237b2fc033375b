"""Distances as objects, by the names and signatures of the package ``wasserstein`` [1]_, exact by default.

.. [1] Komiske, Metodiev, Thaler, https://github.com/thaler-lab/Wasserstein, version 1.1
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jets.emd.checks import CloudError
from jets.emd.events import emd, emds
from jets.emd.ground import Array


class EMD:
    """``wasserstein.EMD``: the exact distance of weights and coordinates; arguments as in :func:`emd`.

    >>> distance = EMD(R=0.4)
    >>> distance([1, 1], [[0, 0], [0.4, 0]], [1, 1], [[0, 0.2], [0.4, 0]])
    0.5
    >>> distance.flows().shape
    (2, 2)
    """

    periodic = False

    def __init__(self, R: float = 1.0, beta: float = 1.0, norm: bool = False) -> None:
        self.options: dict[str, Any] = {"R": R, "beta": beta, "norm": norm, "periodic_phi": self.periodic}

    def __call__(self, weights0: ArrayLike, *rest: ArrayLike) -> float:
        """Take ``weights0, coords0, weights1, coords1``, or ``weights0, weights1, dists``; return the distance."""
        if len(rest) == 2:
            found: Any = emd(weights0, *rest, norm=self.options["norm"], return_flow=True)
        elif len(rest) == 3:
            coords0, weights1, coords1 = rest
            one, two = np.column_stack((weights0, coords0)), np.column_stack((weights1, coords1))
            found = emd(one, two, **self.options, return_flow=True)
        else:
            raise CloudError("expected weights0, coords0, weights1, coords1, or weights0, weights1, dists")
        self.value, self.flow_matrix = found
        return self.value

    def emd(self) -> float:
        """Return the last distance."""
        return self.value

    def flows(self) -> Array:
        """Return what was moved in the last distance, as ``return_flow`` of :func:`emd`."""
        return self.flow_matrix


class EMDYPhi(EMD):
    """The same in rapidity and azimuth, of period 2 pi."""

    periodic = True


class PairwiseEMD:
    """``wasserstein.PairwiseEMD``: the distances of lists of events; arguments as in :func:`emds`.

    >>> distance = PairwiseEMD(R=0.4, num_threads=1)
    >>> distance([[[1, 0, 0]], [[1, 0.2, 0]]])
    >>> distance.emds().tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """

    periodic = False

    def __init__(
        self,
        R: float = 1.0,
        beta: float = 1.0,
        norm: bool = False,
        num_threads: int = -1,
        *,
        verbose: int = 0,
        tolerance: float = 0.0,
    ) -> None:
        self.options: dict[str, Any] = {"R": R, "beta": beta, "norm": norm, "n_jobs": num_threads, "verbose": verbose}
        self.options |= {"tolerance": tolerance, "periodic_phi": self.periodic}

    def __call__(
        self,
        events0: Iterable[ArrayLike],
        events1: Iterable[ArrayLike] | None = None,
        *,
        gdim: int | None = None,
        mask: bool = False,
    ) -> None:
        """Compute the distances of all events of one list, or of all pairs of two."""
        self.matrix = emds(events0, events1, gdim=gdim, mask=mask, **self.options)

    def emd(self, i: int, j: int) -> float:
        """Return the distance of event ``i`` of the first list and ``j`` of the second."""
        return float(self.matrix[i, j])

    def emds(self) -> Array:
        """Return all distances ``(N, N')``."""
        return self.matrix


class PairwiseEMDYPhi(PairwiseEMD):
    """The same in rapidity and azimuth, of period 2 pi."""

    periodic = True
