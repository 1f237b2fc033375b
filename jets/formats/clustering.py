"""Jets of events, by anti-kT (fastjet; Cacciari, Salam & Soyez 0802.1189, 1111.6097)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jets.checks import LARGEST
from jets.errors import JetFileError
from jets.formats.containers import needed
from jets.formats.particles import Array, Particles, padded
from jets.notes import first
from jets.simulation.clustering import cluster

SOFTEST_JET = 20.0
"""Transverse momentum [GeV] of the softest jet that is taken where all are."""


def clustered(
    path: Path,
    p4: Array,
    radius: float,
    which: str,
    label: NDArray[np.int64] | None = None,
    events: NDArray[np.int64] | None = None,
    weights: Array | None = None,
) -> Particles:
    """Return the leading jet of each event, without particles where there is none, or all jets of at least 20 GeV.

    Parameters
    ----------
    path
        Named in errors.
    p4
        ``(events, particles, 4)``, (px, py, pz, E) [GeV], zeros where there is none.
    radius
        R of anti-kT.
    which
        ``leading`` or ``all``.
    label, events, weights
        ``(events,)`` each; a jet has those of its event.

    Raises
    ------
    JetFileError
        ``which`` is something else, or fastjet is not installed.
    """
    if which not in ("leading", "all"):
        raise JetFileError(f"{path}: jets of an event: 'leading' or 'all', got {which!r}")
    bad = np.asarray(~(np.abs(p4) <= LARGEST).all((1, 2)))
    if bad.any():
        raise JetFileError(f"{path}: momenta of {first(bad, 'events')} are no numbers up to {LARGEST:g}; drop them")
    needed("fastjet", path)
    import awkward as ak

    present = p4[..., 3] > 0
    fields = dict(zip(("px", "py", "pz", "E"), np.moveaxis(p4[present], -1, 0), strict=True))
    ragged = ak.unflatten(ak.zip(fields, with_name="Momentum4D"), present.sum(1))
    sequence = cluster(ragged, "antikt", radius)
    softest = SOFTEST_JET if which == "all" else 0.0
    jets, particles = sequence.inclusive_jets(softest), sequence.constituents(softest)
    order = ak.argsort(jets.px**2 + jets.py**2, ascending=False)[:, : 1 if which == "leading" else None]
    taken = ak.flatten(particles[order])
    row = np.repeat(np.arange(len(p4)), np.asarray(ak.num(order)))
    counts = np.asarray(ak.num(taken))
    if which == "leading":  # a row an event
        counts = np.bincount(row, counts, minlength=len(p4)).astype(np.int64)
        row = np.arange(len(p4))
    flat = np.stack([np.asarray(ak.flatten(taken[x]), np.float64) for x in fields], -1)
    label, weights, events = (
        None if label is None else label[row],
        None if weights is None else weights[row],
        None if events is None else events[row],
    )
    return Particles(padded(counts, flat.reshape(-1, 4)), label, {}, weights, events)
