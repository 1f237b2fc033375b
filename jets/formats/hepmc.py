"""HepMC 2 and 3, also compressed: the visible final particles of each event, clustered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.formats.clustering import clustered
from jets.formats.containers import kind, needed, text_head
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "HepMC 2, 3 (text)"
USES = ("labels", "radius", "jets")
NEUTRINOS = (12, 14, 16)
EVENTS = 200


def recognised(path: Path) -> bool:
    """Whether the text begins as HepMC's does."""
    return kind(path) == "text" and "HepMC::" in text_head(path)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; jets are anti-kT with R = 0.8, the leading one of each event; the weight is the event's first."""
    needed("pyhepmc", path)
    radius, which = wanted.radius or 0.8, wanted.jets or "leading"
    assumed = (f"particles of status 1 without neutrinos, GeV; anti-kT R = {radius:g}, {which} jets; first weight",)
    return Reading(wanted.labels or (path.name.split(".")[0],), assumed, parts(path, radius, which))


def parts(path: Path, radius: float, which: str) -> Iterator[Particles]:
    """Yield the jets of some events."""
    import pyhepmc

    momenta, weights, numbers = [], [], []
    with pyhepmc.open(str(path)) as file:
        for event in file:
            event.set_units(pyhepmc.Units.MomentumUnit.GEV, event.length_unit)
            momenta.append(visible(event))
            weights.append(event.weights[0] if event.weights else 1.0)
            numbers.append(event.event_number)
            if len(momenta) == EVENTS:
                yield of_events(path, momenta, weights, numbers, radius, which)
                momenta, weights, numbers = [], [], []
    if momenta:
        yield of_events(path, momenta, weights, numbers, radius, which)


def visible(event: object) -> np.ndarray:
    """Return (px, py, pz, E) ``(M, 4)`` of the final particles that are no neutrinos."""
    chosen = [p.momentum for p in event.particles if p.status == 1 and abs(p.pid) not in NEUTRINOS]  # type: ignore[attr-defined]
    return np.array([(p.px, p.py, p.pz, p.e) for p in chosen], np.float64).reshape(-1, 4)


def of_events(path: Path, momenta: list, weights: list, numbers: list, radius: float, which: str) -> Particles:
    """Return the jets of events."""
    p4 = padded(np.array([len(event) for event in momenta], int), np.concatenate(momenta))
    known = None if set(weights) == {1.0} else np.array(weights, np.float64)
    return clustered(path, p4, radius, which, None, np.array(numbers, np.int64), known)
