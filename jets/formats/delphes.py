"""Delphes: jets as references to the particle-flow candidates of their event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import assert_baskets, branches, tree
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
    assert_baskets(path, events, wanted)
    for start in range(0, events.num_entries, EVENTS):
        stop = min(start + EVENTS, events.num_entries)
        rows = {x: short[x].array(entry_start=start, entry_stop=stop, library="ak") for x in wanted}
        yield of_events(path, rows, collection)


def of_events(path: Path, rows: dict[str, Any], collection: str) -> Particles:
    """Return the jets of events.

    Raises
    ------
    JetFileError
        Jets refer to candidates that are not there.
    """
    import awkward as ak

    values = {name: rows[f"{CANDIDATES}.{name}"] for name in ("fUniqueID", "PT", "Eta", "Phi", "Mass")}
    refs = rows[f"{collection}.Constituents"].refs
    index, lost = places(values["fUniqueID"], refs)
    if lost:
        raise JetFileError(
            f"{path}: {lost} of {len(index)} constituents of {collection} are not among {CANDIDATES}; take jets that "
            f"are made of them, such as {COLLECTION} (--collection)"
        )
    p4 = kinematics.of_pseudorapidity(*(np.asarray(ak.flatten(values[x])) for x in ("PT", "Eta", "Phi", "Mass")))
    of_event = np.repeat(np.arange(len(refs)), np.asarray(ak.num(refs)))
    weights, events = (
        np.asarray(ak.firsts(rows[x]))[of_event] if x in rows else None for x in ("Event.Weight", "Event.Number")
    )
    stated = np.asarray(ak.flatten(rows[f"{collection}.PT"]), np.float64)
    counts = np.asarray(ak.num(ak.flatten(refs, axis=1)))
    return Particles(padded(counts, p4[index]), None, {}, weights, events, stated)


def places(numbers: Any, refs: Any) -> tuple[np.ndarray, int]:
    """Return where each reference (event, jet, T) points among all candidates (event, C), and how many point nowhere.

    Numbers are unique within their event alone, so both are looked up together with it.
    """
    import awkward as ak

    def keys(values: Any, counts: np.ndarray) -> np.ndarray:
        return (np.repeat(np.arange(len(counts)), counts) << 32) | np.asarray(values, np.int64)

    known = keys(ak.flatten(numbers), np.asarray(ak.num(numbers)))
    wanted = keys(ak.flatten(refs, axis=None), np.asarray(ak.sum(ak.num(refs, axis=2), axis=1)))
    if not len(known):
        return np.zeros(len(wanted), np.int64), len(wanted)
    order = np.argsort(known, kind="stable")
    index = order[np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)]
    return index, int((known[index] != wanted).sum())
