"""Where the prongs of generic decays go: n massless prongs of given total mass and transverse momentum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.floating]
SOFTEST, RADIUS = 8.0, 0.8
"""Least pT of a prong [GeV], and greatest distance from the jet's axis [rad]."""
FARTHEST = 1.4
"""Largest angle between two prongs of a sequential decay [rad]."""
SHARE, LEFT = (0.02, 0.5), (0.1, 0.8)
"""Ends between which a sequential decay draws the softer share, and the mass left over that before."""


class Decays(NamedTuple):
    """Decays into the same number n of prongs.

    Attributes
    ----------
    prongs
        pT [GeV], rapidity and azimuth from the jet's axis [rad], ``(N, n, 3)``.
    inside
        Whether all prongs have pT above 8 GeV and lie within 0.8 of the axis, ``(N,)``.
    """

    prongs: Array
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, prongs: Array) -> Decays:
        """Return decays with these prongs."""
        near = np.hypot(prongs[..., 1], prongs[..., 2]) < RADIUS
        return cls(prongs, np.asarray(((prongs[..., 0] > SOFTEST) & near).all(1)))


def flat(count: int, mass: Array, pt: Array, random: Generator) -> Decays:
    """Return decays into ``count`` prongs, uniform in phase space, of jets of ``mass`` and ``pt`` ``(N,)`` [GeV].

    RAMBO (Kleiss, Stirling & Ellis, Comput. Phys. Commun. 40 (1986) 359): massless momenta of independent directions
    and energies, boosted to their common rest frame and scaled to the mass; then boosted to pT.
    """
    cosine, turn = random.uniform(-1, 1, (2, len(mass), count)) * np.array([1, np.pi])[:, None, None]
    energy, sine = random.gamma(2.0, size=cosine.shape), np.sqrt(1 - cosine**2)
    momentum = energy[..., None] * np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], -1)
    total, whole = momentum.sum(1), energy.sum(1)
    invariant = np.sqrt(np.maximum(whole**2 - (total**2).sum(1), 1e-12))
    speed, gamma = -total / invariant[:, None], whole / invariant
    along = (speed[:, None] * momentum).sum(-1)
    scale = (mass / invariant)[:, None]
    at_rest = momentum + speed[:, None] * (energy + along / (1 + gamma)[:, None])[..., None]
    at_rest, energy = scale[..., None] * at_rest, scale * (gamma[:, None] * energy + along)
    boost = (pt / mass)[:, None]
    forward = np.sqrt(1 + boost**2) * at_rest[..., 0] + boost * energy
    across = np.hypot(forward, at_rest[..., 1])
    rapidity = np.arcsinh(at_rest[..., 2] / np.maximum(across, 1e-9))
    return Decays.of(np.stack([across, rapidity, np.arctan2(at_rest[..., 1], forward)], -1))


def log_uniform(ends: tuple[float, float], count: int, random: Generator) -> Array:
    """Return ``(count,)`` numbers whose logarithms are uniform between those of the ends."""
    return np.exp(random.uniform(np.log(ends[0]), np.log(ends[1]), count))


def sequential(count: int, mass: Array, pt: Array, random: Generator) -> Decays:
    r"""Return decays that leave one prong after the other, as a shower does, of jets of ``mass`` and ``pt`` ``(N,)``.

    The hardest prong splits, the softer share z uniform in ln z, at the angle :math:`m/(p_T\sqrt{z(1 - z)})` that makes
    the mass m; what is left of it has a fraction of that mass.
    """
    prongs, left = np.zeros((len(mass), count, 3)), np.array(mass)
    prongs[:, 0, 0] = pt
    for k in range(1, count):
        z = log_uniform(SHARE, len(mass), random)
        angle = np.minimum(left / (prongs[:, 0, 0] * np.sqrt(z * (1 - z))), FARTHEST)
        turn = random.uniform(0, 2 * np.pi, len(mass))
        step = angle[:, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
        prongs[:, k, 0], prongs[:, k, 1:] = z * prongs[:, 0, 0], prongs[:, 0, 1:] + (1 - z)[:, None] * step
        prongs[:, 0, 1:] -= z[:, None] * step
        prongs[:, 0, 0] *= 1 - z
        left = left * log_uniform(LEFT, len(mass), random)
    return Decays.of(prongs)
