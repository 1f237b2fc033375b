"""Delphes: jets as references to the particle-flow candidates of their event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import branches, tree
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "Delphes (ROOT)"
USES = ("labels", "collection")
COLLECTION, CANDIDATES = "JetPUPPIAK8", "ParticleFlowCandidate"
EVENTS = 1_000


def recognised(path: Path) -> bool:
    """Whether it has a tree ``Delphes``."""
    return tree(path, "Delphes") is not None


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; the jets of ``collection``, by default JetPUPPIAK8.

    Raises
    ------
    JetFileError
        There are no such jets or no candidates, or jets refer to candidates that the file does not hold.
    """
    events, collection = tree(path, "Delphes"), wanted.collection or COLLECTION
    here = branches(events)
    if f"{CANDIDATES}.fUniqueID" not in here:
        raise JetFileError(f"{path}: has no {CANDIDATES}; keep that branch in the Delphes card")
    if f"{collection}.Constituents" not in here:
        known = sorted(name.split(".")[0] for name in here if name.endswith(".Constituents"))
        raise JetFileError(f"{path}: no jets {collection}; it has {', '.join(known) or 'none'} (--collection)")
    assumed = (f"{collection}: PT, Eta, Phi, Mass of {CANDIDATES}, GeV",)
    return Reading(wanted.labels or (path.stem,), assumed, parts(path, events, collection))


def parts(path: Path, events: Any, collection: str) -> Iterator[Particles]:
    """Yield the jets of some events."""
    own = [f"{CANDIDATES}.{name}" for name in ("fUniqueID", "PT", "Eta", "Phi", "Mass")]
    wanted = [*own, f"{collection}.Constituents", f"{collection}.PT", "Event.Weight", "Event.Number"]
    short = branches(events)
    wanted = [name for name in wanted if name in short]
    for start in range(0, events.num_entries, EVENTS):
        stop = min(start + EVENTS, events.num_entries)
        rows = {x: short[x].array(entry_start=start, entry_stop=stop, library="ak") for x in wanted}
        yield of_events(path, rows, collection)


def of_events(path: Path, rows: dict[str, Any], collection: str) -> Particles:
    """Return the jets of events, candidates found by their number within each."""
    import awkward as ak

    values = {name: rows[f"{CANDIDATES}.{name}"] for name in ("fUniqueID", "PT", "Eta", "Phi", "Mass")}
    refs = rows[f"{collection}.Constituents"].refs
    found, counts, lost = [], [], 0
    offset = 0
    for event in range(len(refs)):
        number = np.asarray(values["fUniqueID"][event])
        order = np.argsort(number)
        for jet in refs[event]:
            wanted = np.asarray(jet)
            place = np.searchsorted(number, wanted, sorter=order).clip(max=max(0, len(number) - 1))
            rows_of = order[place] if len(number) else np.zeros(len(wanted), int)
            lost += int((number[rows_of] != wanted).sum()) if len(number) else len(wanted)
            found.append(rows_of + offset)
            counts.append(len(wanted))
        offset += len(number)
    if lost:
        raise JetFileError(
            f"{path}: {lost} of {sum(counts)} constituents of {collection} are not among {CANDIDATES}; take jets that "
            f"are made of them, such as {COLLECTION} (--collection)"
        )
    p4 = kinematics.of_pseudorapidity(*(np.asarray(ak.flatten(values[x])) for x in ("PT", "Eta", "Phi", "Mass")))
    of_event = np.repeat(np.arange(len(refs)), np.asarray(ak.num(refs)))
    weights, events = (
        np.asarray(ak.firsts(rows[x]))[of_event] if x in rows else None for x in ("Event.Weight", "Event.Number")
    )
    stated = np.asarray(ak.flatten(rows[f"{collection}.PT"]), np.float64)
    index = np.concatenate(found) if found else np.zeros(0, int)
    return Particles(padded(np.array(counts, int), p4[index]), None, {}, weights, events, stated)
