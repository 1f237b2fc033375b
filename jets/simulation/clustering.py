r"""The leading jet of each event, anti-kT with R = 0.8, with its constituents relative to the jet axis.

The origin of the relative coordinates is the jet's rapidity, not its pseudorapidity: a jet has mass, and only
differences of rapidity are invariant under boosts along the beam. Constituents are massless, so for them the two agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from jets.simulation.detector import Candidates

RADIUS = 0.8
PT_WINDOW = (550.0, 650.0)
ETA_MAX = 2.0
# Jets of two levels belong together if their axes are nearer than this: half the radius.
NEAR = 0.4
# Lowest pT [GeV] of a jet that is looked for beside a selected one.
SOFTEST = 50.0
JET_COLUMNS = ("pt", "eta", "phi", "mass", "y", "n_constituents")


class ClusteredJets(NamedTuple):
    """J selected jets and all their P constituents, jet after jet, with falling pT in each.

    Attributes
    ----------
    event
        ``(J,)`` index of the event.
    axis
        ``(J, 6)`` columns ``JET_COLUMNS``: GeV, 1, rad, GeV, 1, 1.
    counts
        ``(J,)`` constituents of each jet.
    pt, y, phi
        ``(P,)`` in the detector's frame, not relative to the axis: GeV, 1, rad.
    kind
        ``(P,)`` what :data:`jets.simulation.levels.KINDS` says: 1 track, 2 ECAL, 3 HCAL, or 4 parton.
    """

    event: NDArray[Any]
    axis: NDArray[Any]
    counts: NDArray[Any]
    pt: NDArray[Any]
    y: NDArray[Any]
    phi: NDArray[Any]
    kind: NDArray[Any]


def wrap(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles [rad] of any shape in [-pi, pi).

    >>> wrap(np.array([0.0, 2 * np.pi + 0.5, -3.5])).round(3).tolist()
    [0.0, 0.5, 2.783]
    """
    return (phi + np.pi) % (2 * np.pi) - np.pi


def momenta(
    pt: NDArray[np.float64], y: NDArray[np.float64], phi: NDArray[np.float64], counts: NDArray[np.int64]
) -> Any:
    """Return massless four-momenta as an awkward array (C, var) with the fields that fastjet reads.

    Parameters
    ----------
    pt, y, phi
        ``(P,)`` GeV, 1, rad.
    counts
        ``(C,)`` how many of them belong to each event or jet.
    """
    import awkward as ak

    p4 = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(y), "E": pt * np.cosh(y)}
    return ak.unflatten(ak.zip(p4, with_name="Momentum4D"), counts)


def cluster(p4: Any, algorithm: str, radius: float) -> Any:
    """Cluster many events at once with fastjet (M. Cacciari et al., arXiv:1111.6097); return its cluster sequence.

    Parameters
    ----------
    p4
        From :func:`momenta`.
    algorithm
        fastjet's name without ``_algorithm``: ``antikt``, ``kt``, ``cambridge``.
    radius
        R in (y, phi).
    """
    import fastjet
    from fastjet._swig import ClusterSequence

    # The banner would go to standard output; the simulation's own last line names fastjet and its paper instead.
    ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet.ClusterSequence(p4, fastjet.JetDefinition(getattr(fastjet, f"{algorithm}_algorithm"), radius))


def leading_jets(candidates: Candidates, events: int) -> ClusteredJets:
    """Return leading jets inside the pT window and ``|eta| < 2``; an event whose leading jet is outside gives none.

    Anti-kT with R = 0.8 (M. Cacciari, G. Salam, G. Soyez, arXiv:0802.1189), E scheme.

    Parameters
    ----------
    candidates
        Particle-flow candidates, sorted by event.
    events
        Number of events of the batch.
    """
    jets = _one_of_each(candidates, events, PT_WINDOW[0], lambda found: -(found.px**2 + found.py**2))
    inside_window = (jets.axis[:, 0] > PT_WINDOW[0]) & (jets.axis[:, 0] < PT_WINDOW[1])
    return select(jets, inside_window & (np.abs(jets.axis[:, 1]) < ETA_MAX))


def partners(candidates: Candidates, events: int, selected: ClusteredJets) -> tuple[ClusteredJets, NDArray[np.int64]]:
    """Return the jets of another level that belong to selected ones: the nearest of the event, if within R / 2.

    Parameters
    ----------
    candidates
        Of the other level.
    events
        Number of events of the batch.
    selected
        At most one jet of an event.

    Returns
    -------
    partners
        K jets of more than 50 GeV, whatever their pT is else.
    theirs
        ``(K,)`` index of each one's selected jet.
    """
    y, phi = np.full(events, np.nan), np.full(events, np.nan)
    y[selected.event], phi[selected.event] = selected.axis[:, 4], selected.axis[:, 2]

    def distance(found: Any) -> Any:
        dy = np.arctanh(found.pz / found.E) - y
        return np.hypot(dy, wrap(np.arctan2(found.py, found.px) - phi))

    jets = _one_of_each(candidates, events, SOFTEST, distance)
    theirs = np.full(events, -1)
    theirs[selected.event] = np.arange(len(selected.event))
    apart = np.hypot(jets.axis[:, 4] - y[jets.event], wrap(jets.axis[:, 2] - phi[jets.event]))
    jets = select(jets, apart < NEAR)
    return jets, theirs[jets.event]


def _one_of_each(candidates: Candidates, events: int, pt_min: float, cost: Callable[[Any], Any]) -> ClusteredJets:
    """Return the jet of least cost of each event that has any above ``pt_min`` [GeV]; cost: jets (E, var) -> (E, var).

    Anti-kT with R = 0.8, E scheme.
    """
    import awkward as ak

    counts = np.bincount(candidates.event, minlength=events)
    sequence = cluster(momenta(candidates.pt, candidates.eta, candidates.phi, counts), "antikt", RADIUS)
    found = sequence.inclusive_jets(pt_min)
    first = ak.argmin(cost(found), axis=1, keepdims=True)
    event = np.flatnonzero(np.asarray(ak.num(found)) > 0)
    members = ak.drop_none(ak.flatten(sequence.constituent_index(pt_min)[first][event]), axis=0)
    inside = np.asarray(ak.num(members))
    start = np.cumsum(counts) - counts
    index = np.asarray(ak.flatten(members)) + np.repeat(start[event], inside)
    order = np.lexsort((-candidates.pt[index], np.repeat(event, inside)))
    columns = (candidates.pt, candidates.eta, candidates.phi, candidates.kind)
    jets = ClusteredJets(event, np.empty((len(event), 6)), inside, *(column[index[order]] for column in columns))
    return jets._replace(axis=_axes(jets))


def _axes(jets: ClusteredJets) -> NDArray[np.float64]:
    """Return the sum of the constituents' four-momenta in columns ``JET_COLUMNS``."""
    row = np.repeat(np.arange(len(jets.counts)), jets.counts)
    parts = (np.cos(jets.phi), np.sin(jets.phi), np.sinh(jets.y), np.cosh(jets.y))
    px, py, pz, e = (np.bincount(row, jets.pt * part, minlength=len(jets.counts)) for part in parts)
    pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(e**2 - pt**2 - pz**2, 0))
    y = np.arctanh(pz / e)
    return np.stack([pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass, y, jets.counts], axis=-1)


def select(jets: ClusteredJets, keep: NDArray[np.bool_]) -> ClusteredJets:
    """Return the jets for which ``keep`` ``(J,)`` is true."""
    flat = np.repeat(keep, jets.counts)
    return ClusteredJets(*(column[keep] for column in jets[:3]), *(column[flat] for column in jets[3:]))


def padded(jets: ClusteredJets, size: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the ``size`` hardest constituents of each jet.

    Returns
    -------
    constituents
        ``(J, size, 3)`` float32: pT [GeV], rapidity and azimuth [rad] relative to the axis; zero padded.
    kind
        ``(J, size)`` 0 where padded.
    """
    row = np.repeat(np.arange(len(jets.counts)), jets.counts)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(jets.counts) - jets.counts, jets.counts)
    constituents = np.zeros((len(jets.counts), size, 3), np.float32)
    kind = np.zeros((len(jets.counts), size), np.uint8)
    deta = jets.y - jets.axis[row, 4]
    dphi = wrap(jets.phi - jets.axis[row, 2])
    near = rank < size
    constituents[row[near], rank[near]] = np.stack([jets.pt, deta, dphi], axis=-1)[near]
    kind[row[near], rank[near]] = jets.kind[near]
    return constituents, kind
