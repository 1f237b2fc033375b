"""EDM4hep of the FCC (podio): jets as ranges of a relation to the reconstructed particles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.formats.containers import assert_baskets, branches, tree
from jets.formats.nanoaod import placed, starts
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "EDM4hep (ROOT)"
USES = ("labels", "collection")
PARTICLES, RELATION = "ReconstructedParticles", 2
"""The particles, and which of the six relations of a reconstructed particle holds those that it is made of."""
EVENTS = 2_000
P4 = ("momentum.x", "momentum.y", "momentum.z", "energy")


def recognised(path: Path) -> bool:
    """Whether a tree ``events`` holds reconstructed particles."""
    return f"{PARTICLES}.energy" in branches(tree(path, "events"))


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; the jets of ``collection``, by default ``Jet``.

    Raises
    ------
    JetFileError
        There are no such jets.
    """
    events, collection = tree(path, "events"), wanted.collection or "Jet"
    if f"{collection}.particles_begin" not in branches(events):
        raise JetFileError(f"{path}: has no jets {collection!r}; name them: --collection")
    assumed = (f"{collection}: particles by {collection}#{RELATION}, momentum and energy in GeV",)
    return Reading(wanted.labels or (path.stem,), assumed, parts(path, events, collection))


def parts(path: Path, events: Any, collection: str) -> Iterator[Particles]:
    """Yield the jets of some events."""
    import awkward as ak

    relation = f"{collection}#{RELATION}"
    names = [f"{PARTICLES}.{x}" for x in P4] + [f"{relation}.index"]
    names += [f"{collection}.{x}" for x in ("particles_begin", "particles_end", *P4)]
    short = branches(events)
    assert_baskets(path, events, names)
    for start in range(0, events.num_entries, EVENTS):
        stop = min(start + EVENTS, events.num_entries)
        rows = {x: short[x].array(entry_start=start, entry_stop=stop, library="ak") for x in names}
        begin, end = (np.asarray(ak.flatten(rows[f"{collection}.particles_{x}"]), np.int64) for x in ("begin", "end"))
        jets = np.asarray(ak.num(rows[f"{collection}.particles_begin"]))
        of_event = np.repeat(np.arange(len(jets)), jets)
        index = rows[f"{relation}.index"]
        held, counts = np.asarray(ak.num(index)), end - begin
        if ((begin < 0) | (counts < 0) | (end > held[of_event])).any():
            raise JetFileError(f"{path}: particles of a {collection} lie outside of {relation}; make it anew")
        place = np.repeat(begin + starts(held)[of_event], counts) + (
            np.arange(counts.sum()) - np.repeat(starts(counts), counts)
        )
        several = np.asarray(ak.num(rows[f"{PARTICLES}.energy"]))
        particle = placed(
            path, f"{relation}.index", np.asarray(ak.flatten(index))[place], several, np.repeat(of_event, counts)
        )
        flat = np.stack([np.asarray(ak.flatten(rows[f"{PARTICLES}.{x}"]), np.float64) for x in P4], -1)
        own = {x: np.asarray(ak.flatten(rows[f"{collection}.{x}"]), np.float64) for x in P4}
        stated = np.hypot(own["momentum.x"], own["momentum.y"])
        yield Particles(padded(counts, flat[particle]), None, {}, None, of_event + start, stated)
