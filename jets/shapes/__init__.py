r"""Shapes of jets that do not depend on their scale: how many prongs there are, and how they share mass and momentum.

Angles are in units of :math:`2m/p_T`, masses in units of the jet's, so that a jet whose angles are all stretched alike
(nearly) keeps its shapes; all but H3 and ``particles`` are logarithms. With shares z of the particles' pT:

==============  ================================================================================================
``ln m``        of the particles, mass 0 each [ln GeV]; not a shape, but what shapes are compared at
``ln pT``       of their sum [ln GeV]
``tau21``       :math:`\tau_2/\tau_1`, N-subjettiness :math:`\tau_N = \sum_i z_i \min_a \Delta R_{ia}` about kT axes
                after one step (Thaler & Van Tilburg 1011.2268); ``tau32``, ``tau43``
``H3``          Fox-Wolfram moment in the rest frame, :math:`\sum_{ij} |p_i||p_j| P_3(\cos_{ij})/(\sum |p|)^2`
                (Nucl. Phys. B 149 (1979) 413)
``C2``, ``D2``  :math:`e_3/e_2^2` (Larkoski, Salam & Thaler 1305.0007), :math:`e_3/e_2^3` (Larkoski, Moult & Neill
                1409.6298), with :math:`e_2 = \sum z_i z_j R_{ij}`, :math:`e_3 = \sum z_i z_j z_k R_{ij}R_{ik}R_{jk}`
``N2``          :math:`{}_2e_3/e_2^2`, the two smallest of the three angles (Moult, Necib & Thaler 1609.07483)
``lund2``       second largest ln kT of the primary Lund plane (Dreyer, Salam & Soyez 1807.04758)
``particles``   ln n
``heavier``     mass of the heavier of two kT prongs
``lightest``    smallest mass of a pair of three kT prongs
``y23``         :math:`\sqrt{d_{23}}/m` of the kT sequence
==============  ================================================================================================

>>> from jets import load
>>> shapes(load("sample:top").constituents[:3]).round(1)[:, :5].tolist()
[[5.1, 6.4, -0.5, -1.0, -0.3], [5.2, 6.4, -0.7, -0.9, -0.1], [5.1, 6.3, -0.4, -0.5, -0.3]]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets.kernels import cached, fingerprint, in_threads
from jets.shapes.one_jet import describe

SCALES = ("ln m", "ln pT")
NAMES = (
    *SCALES,
    *("tau21", "tau32", "tau43"),
    "H3",
    *("C2", "D2", "N2"),
    "lund2",
    "particles",
    *("heavier", "lightest", "y23"),
)
"""Columns of :func:`shapes`."""


def _cached(version: int) -> Any:
    """Return :func:`describe` of many jets, cached on disk under a version."""

    def describe_all(jets: np.ndarray, out: np.ndarray) -> int:
        for i in range(len(jets)):
            describe(jets[i], out[i])
        return version

    return cached(describe_all, nogil=True)


_describe_all = _cached(fingerprint(*Path(__file__).parent.glob("*.py")))


def shapes(constituents: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ln m, ln pT and the shapes, ``(N, 14)``, of jets ``(N, M, 3)`` = pT [GeV], rapidity, azimuth [rad].

    Particles by falling pT, padded with zeros. NaN of a jet of fewer than five particles, or lighter than 1 GeV.
    """
    found = np.empty((len(constituents), len(NAMES)))

    def part(rows: slice) -> None:
        _describe_all(np.ascontiguousarray(constituents[rows], np.float64), found[rows])

    in_threads(len(found), part)
    return found


def mass_and_pt(constituents: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return masses and pT ``(N,)`` [GeV] of jets ``(N, M, 3)`` of massless particles."""
    pt, eta, phi = np.moveaxis(np.asarray(constituents, np.float64), -1, 0)
    x, y, z, energy = ((pt * each).sum(1) for each in (np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)))
    return np.sqrt(np.maximum(energy**2 - x**2 - y**2 - z**2, 0)), np.hypot(x, y)
