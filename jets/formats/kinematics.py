"""Four-momenta (px, py, pz, E) in the units of what they are made of, along the last axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def of_pseudorapidity(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Return four-momenta ``(..., 4)`` of pT, pseudorapidity, azimuth [rad] and mass, ``(...)`` each."""
    pt, eta, phi, mass = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (pt, eta, phi, mass)))
    pz = pt * np.sinh(eta)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pz, np.sqrt(pt**2 + pz**2 + mass**2)], -1)


def of_rapidity(pt: ArrayLike, y: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Return four-momenta ``(..., 4)`` of pT, rapidity, azimuth [rad] and mass, ``(...)`` each."""
    pt, y, phi, mass = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (pt, y, phi, mass)))
    transverse = np.hypot(pt, mass)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), transverse * np.sinh(y), transverse * np.cosh(y)], -1)


def rapidity(p4: Array) -> Array:
    r"""Return :math:`\mathrm{arsinh}(p_z/\sqrt{E^2 - p_z^2})` ``(...)``, with E at least ``|p|``.

    >>> round(float(rapidity(of_rapidity(2.0, -1.5, 0.3, 0.7))), 12)
    -1.5
    """
    px, py, pz, energy = np.moveaxis(p4, -1, 0)
    pt2 = px**2 + py**2
    energy2 = np.maximum(energy**2, pt2 + pz**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.arcsinh(pz / np.sqrt(energy2 - pz**2))


def mass_squared(p4: Array) -> Array:
    """Return E^2 - p^2 ``(...)``, zero where rounding makes it negative."""
    return np.maximum(0.0, p4[..., 3] ** 2 - (p4[..., :3] ** 2).sum(-1))


def of_p4(p4: Array) -> dict[str, Array]:
    """Return pt, eta, phi, mass and y of four-momenta ``(n, 4)``, ``(n,)`` each."""
    pt = np.hypot(p4[..., 0], p4[..., 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(p4[..., 2] / pt)
    return {
        "pt": pt,
        "eta": eta,
        "phi": np.arctan2(p4[..., 1], p4[..., 0]),
        "mass": np.sqrt(mass_squared(p4)),
        "y": rapidity(p4),
    }
