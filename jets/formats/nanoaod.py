"""CMS PFNano and NanoAOD: jets as indices into the particle-flow candidates of their event.

AK8 jets are of PUPPI: candidates of PFNano count with their weight, those of NanoAOD v15 are stored scaled. AK4 jets of
Run 2 (CHS) count without. The indices start anew in each event.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import assert_baskets, branches, tree
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "PFNano, NanoAOD with candidates (ROOT)"
USES = ("labels", "collection")
EVENTS = 2_000


class Layout(NamedTuple):
    """Names of the branches: candidates, link from jets, index of the candidate; what AK8 candidates count with."""

    candidates: str
    link: str
    number: str
    weight: str


LAYOUTS = (
    Layout("PFCands", "PFCands", "pFCandsIdx", "puppiWeight"),
    Layout("PFCand", "PFCand", "pfCandIdx", ""),
)
COPIED = "PFCands"
"""What old PFNano calls the candidates of jets, which it copies: FatJetPFCands_pt, ..., in place of an index."""


def recognised(path: Path) -> bool:
    """Whether it is a NanoAOD: a tree ``Events`` with jets or candidates."""
    known = {"FatJet_pt", "Jet_pt", *(f"{layout.candidates}_pt" for layout in LAYOUTS)}
    return bool(known & set(branches(tree(path, "Events"))))


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; its AK8 jets, unless ``collection = "Jet"`` asks for the AK4 ones.

    Raises
    ------
    JetFileError
        The file has no candidates, or does not say which jet holds which.
    """
    events, collection = tree(path, "Events"), wanted.collection or "FatJet"
    names = set(branches(events))
    layout = next((one for one in LAYOUTS if f"{collection}{one.link}_{one.number}" in names), None)
    if layout is None:
        raise JetFileError(missing(path, collection, names))
    weighted = collection == "FatJet" and f"{layout.candidates}_{layout.weight}" in names
    how = "times their PUPPI weight" if weighted else "as stored"
    assumed = (f"{collection}: four-momenta of {layout.candidates} in GeV, {how}",)
    return Reading(wanted.labels or (path.stem,), assumed, parts(path, events, collection, layout, weighted))


def missing(path: Path, collection: str, names: set[str]) -> str:
    """Return what a file lacks, and where to get it."""
    if any(f"{one.candidates}_pt" in names for one in LAYOUTS):
        return (
            f"{path}: does not say which candidates each {collection} holds ({collection}PFCands_pFCandsIdx); "
            "make the file with the index"
        )
    return f"{path}: a NanoAOD without constituents; PFNano has them, and NanoAOD from v15 on (PFCand)"


def parts(path: Path, events: Any, collection: str, layout: Layout, weighted: bool) -> Iterator[Particles]:
    """Yield the jets of some events."""
    here = set(branches(events))
    link, own = f"{collection}{layout.link}", layout.candidates
    columns = [name for name in sorted(here) if name.startswith(f"{collection}_")]
    wanted = [f"{link}_jetIdx", f"{link}_{layout.number}", *(f"{own}_{x}" for x in ("pt", "eta", "phi", "mass"))]
    wanted += [f"{own}_{layout.weight}"] * weighted + [x for x in ("event", "genWeight") if x in here] + columns
    assert_baskets(path, events, wanted)
    for rows in events.iterate(wanted, step_size=EVENTS, library="ak"):
        yield of_events(path, rows, collection, layout, columns, weighted)


def of_events(path: Path, rows: Any, collection: str, layout: Layout, columns: list[str], weighted: bool) -> Particles:
    """Return the jets of events."""
    import awkward as ak

    def flat(name: str) -> Any:
        return np.asarray(ak.flatten(rows[name]))

    link, own = f"{collection}{layout.link}", layout.candidates
    jets, candidates = (np.asarray(ak.num(rows[name])) for name in (f"{collection}_pt", f"{own}_pt"))
    p4 = kinematics.of_pseudorapidity(*(flat(f"{own}_{x}") for x in ("pt", "eta", "phi", "mass")))
    if weighted:
        p4 *= flat(f"{own}_{layout.weight}")[:, None]
    event = np.repeat(np.arange(len(rows)), np.asarray(ak.num(rows[f"{link}_jetIdx"])))
    number = placed(path, f"{link}_jetIdx", flat(f"{link}_jetIdx"), jets, event)
    particle = placed(path, f"{link}_{layout.number}", flat(f"{link}_{layout.number}"), candidates, event)
    order = np.argsort(number, kind="stable")
    counts = np.bincount(number, minlength=int(jets.sum()))
    kept = {name: flat(name) for name in columns}
    stated = kept[f"{collection}_pt"] * (1 - kept.get(f"{collection}_rawFactor", 0.0))
    of_event = np.repeat(np.arange(len(rows)), jets)
    weights, events = (np.asarray(rows[x])[of_event] if x in rows.fields else None for x in ("genWeight", "event"))
    return Particles(padded(counts, p4[particle[order]]), None, kept, weights, events, stated)


def placed(path: Path, name: str, index: np.ndarray, counts: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return where indices into what events hold point among all of it.

    Parameters
    ----------
    path, name
        Named in errors.
    index, event
        ``(n,)`` each: the indices, and the events that they are of.
    counts
        ``(events,)``, how much each event holds.

    Raises
    ------
    JetFileError
        One points beyond its event.
    """
    bad = (index < 0) | (index >= counts[event])
    if bad.any():
        raise JetFileError(
            f"{path}: {name} = {index[bad][0]} in an event that has {counts[event][bad][0]}; make it anew"
        )
    return np.asarray(index, np.int64) + starts(counts)[event]


def starts(counts: np.ndarray) -> np.ndarray:
    """Return where those of each event start in the flat array."""
    return np.cumsum(counts) - counts
