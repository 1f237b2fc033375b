"""What is clustered: partons, all particles or the charged ones, with the detector or as they are generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jets.simulation.detector import ECAL, HCAL, TRACK, Candidates, detect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.simulation.config import Config
    from jets.simulation.generator import Collisions, Particles

PARTON = 4
KINDS = {
    ("hadron", "on"): "0 pad 1 track 2 ECAL 3 HCAL",
    ("tracks", "on"): "0 pad 1 track",
    ("hadron", "off"): "0 pad 1 charged 2 photon 3 neutral hadron",
    ("tracks", "off"): "0 pad 1 charged",
    ("parton", "off"): "0 pad 4 parton",
}
"""(level, detector) -> what the numbers in ``kind`` are."""


def seen(config: Config, collisions: Collisions, rng: np.random.Generator) -> dict[str, Candidates]:
    """Return what is clustered at each level, by name; hadron beside tracks, since all hadrons select the jets.

    With the detector, tracks are the particle-flow candidates that have one. Without, everything is massless with the
    momentum that it was generated with; only neutrinos, and particles along the beam, are not seen.

    Parameters
    ----------
    config
        The sample's configuration.
    collisions
        From :func:`jets.simulation.generator.generate`.
    rng
        Of the detector.
    """
    found = {}
    if "parton" in config.level:
        found["parton"] = as_generated(collisions.partons, np.full(len(collisions.partons.pt), PARTON, np.uint8))
    if set(config.level) - {"parton"}:
        found["hadron"] = (
            detect(collisions.particles, rng)
            if config.detector == "on"
            else as_generated(collisions.particles, _kind(collisions.particles))
        )
    if "tracks" in config.level:
        found["tracks"] = Candidates(*(column[found["hadron"].kind == TRACK] for column in found["hadron"]))
    return found


def selecting(config: Config) -> str:
    """Return the level whose jets are selected: the first, but all hadrons in place of the tracks.

    >>> from jets.simulation.config import Config
    >>> selecting(Config("w", level=("tracks",))), selecting(Config("w", level=("parton", "hadron")))
    ('hadron', 'parton')
    """
    return "hadron" if config.level[0] == "tracks" else config.level[0]


def as_generated(particles: Particles, kind: NDArray[np.uint8]) -> Candidates:
    """Return particles as massless candidates of their own momentum; ``kind`` is ``(P,)``."""
    return Candidates(particles.event, particles.pt, particles.eta, particles.phi, kind)


def _kind(particles: Particles) -> NDArray[np.uint8]:
    neutral = np.where(particles.pdg == 22, ECAL, HCAL)
    return np.where(particles.charge != 0, TRACK, neutral).astype(np.uint8)
