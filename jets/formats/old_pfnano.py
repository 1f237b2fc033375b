"""Old CMS PFNano: jets of AK8 whose candidates are copied in, FatJetPFCands_{pt,eta,phi,mass,jetIdx}.

They count with their PUPPI weight, as in later PFNano. A third of the AK4 jets of these files has no candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.containers import assert_baskets, branches, tree
from jets.formats.nanoaod import EVENTS, placed
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "old PFNano (ROOT)"
USES = ("labels", "collection")
JET, OWN, WEIGHT = "FatJet", "FatJetPFCands", "puppiWeight"
KINEMATICS = ("pt", "eta", "phi", "mass")


def recognised(path: Path) -> bool:
    """Whether a tree ``Events`` holds candidates of jets rather than an index of them."""
    names = set(branches(tree(path, "Events")))
    copied = [one for one in (OWN, "JetPFCands") if {f"{one}_pt", f"{one}_eta", f"{one}_jetIdx"} <= names]
    return bool(copied) and not any(name.endswith("PFCands_pFCandsIdx") for name in names)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; its AK8 jets.

    Raises
    ------
    JetFileError
        Other jets are asked for, or it has no candidates of these.
    """
    events = tree(path, "Events")
    names = set(branches(events))
    lacking = {f"{OWN}_{x}" for x in (*KINEMATICS, "jetIdx")} - names
    if wanted.collection not in ("", JET) or lacking:
        asked = wanted.collection or "/".join(sorted(lacking))
        raise JetFileError(
            f"{path}: {asked}: only AK8 jets (FatJet) of old PFNano hold all their candidates; of the AK4 jets a third "
            "has none: make the file with a later PFNano"
        )
    weighted = f"{OWN}_{WEIGHT}" in names
    how = "times their PUPPI weight" if weighted else "as stored, without PUPPI weights"
    assumed = (f"{JET}: four-momenta of {OWN} in GeV, {how}",)
    return Reading(wanted.labels or (path.stem,), assumed, parts(path, events, names, weighted))


def parts(path: Path, events: Any, names: set[str], weighted: bool) -> Iterator[Particles]:
    """Yield the jets of some events."""
    columns = [name for name in sorted(names) if name.startswith(f"{JET}_")]
    wanted = [f"{OWN}_{x}" for x in (*KINEMATICS, "jetIdx")] + [f"{OWN}_{WEIGHT}"] * weighted
    wanted += [x for x in ("event", "genWeight") if x in names] + columns
    assert_baskets(path, events, wanted)
    for rows in events.iterate(wanted, step_size=EVENTS, library="ak"):
        yield of_events(path, rows, columns, weighted)


def of_events(path: Path, rows: Any, columns: list[str], weighted: bool) -> Particles:
    """Return the jets of events."""
    import awkward as ak

    def flat(name: str) -> Any:
        return np.asarray(ak.flatten(rows[name]))

    jets, candidates = (np.asarray(ak.num(rows[name])) for name in (f"{JET}_pt", f"{OWN}_pt"))
    p4 = kinematics.of_pseudorapidity(*(flat(f"{OWN}_{x}") for x in KINEMATICS))
    if weighted:
        p4 *= flat(f"{OWN}_{WEIGHT}")[:, None]
    event = np.repeat(np.arange(len(rows)), candidates)
    number = placed(path, f"{OWN}_jetIdx", flat(f"{OWN}_jetIdx"), jets, event)
    order = np.argsort(number, kind="stable")
    kept = {name: flat(name) for name in columns}
    stated = kept[f"{JET}_pt"] * (1 - kept.get(f"{JET}_rawFactor", 0.0))
    of_event = np.repeat(np.arange(len(rows)), jets)
    weights, events = (np.asarray(rows[x])[of_event] if x in rows.fields else None for x in ("genWeight", "event"))
    counts = np.bincount(number, minlength=int(jets.sum()))
    return Particles(padded(counts, p4[order]), None, kept, weights, events, stated)
