"""Mock anomalies: jets with the prongs of a sample's own jets, but of another number, or elsewhere.

What may be odd about a jet is a prior that somebody has to state. This one: a jet of the same mass and pT as those of
the sample, made of prongs like theirs, which decays into 2, 3 or 4 prongs, uniform in phase space or one after the
other as in a shower, or which is a single prong, stretched. Nothing here has a label.

>>> import jets
>>> made = mocks(jets.load("sample:qcd").constituents[:300], 50)
>>> list(made), made["flat 3"].shape
(['flat 2', 'flat 3', 'flat 4', 'sequential 2', 'sequential 3', 'sequential 4', 'stretched'], (50, 50, 3))
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from jets.mocks.decays import RADIUS, flat, sequential
from jets.mocks.prongs import Library
from jets.shapes import mass_and_pt
from jets.shapes.one_jet import FEWEST

Array = NDArray[np.floating]
LONGEST = 80
"""Particles of a mock jet, at most; no more than the jets of the sample have, which may have lost some."""
TAKEN = (2, 3)
"""Prongs into which the jets of a sample are taken apart: half of the mocks is made of each."""
LEAST, HARD = 8.0, 200.0
"""Least pT of a prong that is glued, and of one that is stretched [GeV]."""
TRIES = 4
"""Decays that are drawn for each one wanted, since some leave the jet."""


def mocks(jets: Array, count: int, seed: int = 0) -> dict[str, Array]:
    """Return family -> mock jets ``(count, min(M, 80), 3)``, made of jets ``(N, M, 3)``: pT [GeV], rapidity, azimuth.

    Masses and momenta are those of jets drawn from the sample. Fewer of a family, where most of its decays leave the
    jet.
    """
    random, longest = np.random.default_rng(seed), min(LONGEST, jets.shape[1])
    libraries = [Library.of(jets, taken, LEAST) for taken in TAKEN]
    mass, pt = mass_and_pt(jets[(jets[..., 0] > 0).sum(1) >= FEWEST])
    families = {f"{kind.__name__} {n}": (kind, n) for kind in (flat, sequential) for n in (2, 3, 4)}
    found: dict[str, Array] = {}
    for name, (kind, n) in families.items():
        parts = []
        for library in libraries:
            drawn = random.integers(0, len(mass), TRIES * count)
            decays = kind(n, mass[drawn], pt[drawn], random)
            wanted = decays.prongs[np.flatnonzero(decays.inside)[: -(-count // len(TAKEN))]]
            parts.append(library.glued(wanted, longest, random))
        found[name] = np.concatenate(parts)[:count]
    parts = [stretched(library, mass, pt, -(-count // len(TAKEN)), random) for library in libraries]
    return found | {"stretched": np.concatenate(parts)[:count, :longest]}


def stretched(library: Library, mass: Array, pt: Array, count: int, random: Generator) -> Array:
    """Return jets ``(count, 80, 3)`` of one hard prong each, whose angles are stretched to a mass of the sample."""
    hard = np.flatnonzero(library.pt > HARD)
    if not len(hard):
        return np.zeros((0, LONGEST, 3))
    jets, drawn = library.particles[random.choice(hard, count)], random.integers(0, len(mass), count)
    share = jets[..., 0] / jets[..., 0].sum(1, keepdims=True)
    centre = (share[..., None] * jets[..., 1:]).sum(1)
    width = np.sqrt((share * ((jets[..., 1:] - centre[:, None]) ** 2).sum(-1)).sum(1))
    jets[..., 0] = share * pt[drawn, None]
    jets[..., 1:] *= (mass[drawn] / pt[drawn] / np.maximum(width, 1e-4))[:, None, None]
    jets[np.hypot(jets[..., 1], jets[..., 2]) > RADIUS] = 0
    order = np.argsort(-jets[..., 0], axis=1, kind="stable")
    found = np.zeros((count, LONGEST, 3))
    found[:, : jets.shape[1]] = np.take_along_axis(jets, order[..., None], 1)
    return found
