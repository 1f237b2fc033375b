"""Tracks of charged particles: efficiency, momentum resolution and threshold, ATLAS-like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.simulation.generator import Particles

TRACK_ETA, TRACK_PT = 2.5, 0.5


class Tracks(NamedTuple):
    """T reconstructed tracks.

    Attributes
    ----------
    particle
        ``(T,)`` index of the charged particle.
    pt, eta, phi
        ``(T,)`` measured: GeV, 1, rad.
    sigma
        ``(T,)`` resolution of the energy, GeV.
    """

    particle: NDArray[Any]
    pt: NDArray[Any]
    eta: NDArray[Any]
    phi: NDArray[Any]
    sigma: NDArray[Any]


def efficiency(pt: NDArray[np.float64], eta: NDArray[np.float64], pdg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that a charged particle gives a track, from pt [GeV], eta and particle numbers, ``(N,)``.

    >>> efficiency(np.array([0.7, 5.0, 5.0, 0.3]), np.array([0.0, 0.0, 2.0, 0.0]), np.full(4, 211)).tolist()
    [0.8, 0.95, 0.85, 0.0]
    """
    central = np.abs(eta) < 1.5
    slow = np.where(central, 0.80, 0.70)
    fast = np.where(np.abs(pdg) == 13, 0.98, np.where(central, 0.95, 0.85))
    return np.where((pt > TRACK_PT) & (np.abs(eta) < TRACK_ETA), np.where(pt < 1, slow, fast), 0.0)


def momentum_resolution(pt: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return the relative resolution of track pT, :math:`a \oplus b\,p_T`, from pt [GeV] and eta, ``(N,)``.

    >>> momentum_resolution(np.array([20.0]), np.array([0.0])).round(4).tolist()
    [0.0141]
    """
    central = np.abs(eta) < 1.5
    return np.hypot(np.where(central, 0.010, 0.015), np.where(central, 5e-4, 8e-4) * pt)


def find_tracks(particles: Particles, rng: np.random.Generator) -> Tracks:
    """Return the tracks of charged particles: efficiency, Gaussian momentum and angles, then the pT threshold."""
    charged = np.flatnonzero(particles.charge)
    lucky = rng.random(len(charged)) < efficiency(particles.pt[charged], particles.eta[charged], particles.pdg[charged])
    index = charged[lucky]
    relative = momentum_resolution(particles.pt[index], particles.eta[index])
    g = rng.standard_normal((3, len(index)))
    pt = particles.pt[index] * (1 + relative * g[0])
    eta = particles.eta[index] + np.hypot(7e-4, 2e-3 / particles.pt[index]) * g[1]
    phi = particles.phi[index] + np.hypot(1e-4, 2e-3 / particles.pt[index]) * g[2]
    keep = pt > TRACK_PT
    # The resolution that reconstruction believes is the one at the measured momentum.
    sigma = momentum_resolution(pt, eta) * pt * np.cosh(eta)
    return Tracks(*(x[keep] for x in (index, pt, eta, phi, sigma)))
