"""Proton collisions from Pythia 8, in batches of flat numpy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jets.simulation.config import SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SEED = 900_000_000
# Status codes of Pythia's manual: 71 to 79 prepare hadronisation, 81 to 89 are primary hadrons, 91 to 99 decays.
HADRONISED = 71
# Of an outgoing particle of the hard process; positive if it is final, as where nothing radiates or hadronises.
HARDEST = 23
DARK_QUARK, DARK_MATTER = 4900101, 51


class Particles(NamedTuple):
    """P stable visible particles of a batch.

    Attributes
    ----------
    event
        ``(P,)`` index of the event.
    pdg, charge
        ``(P,)`` particle numbers, and charges in units of the positron's.
    pt, eta, phi, energy
        ``(P,)`` transverse momentum [GeV], pseudorapidity, azimuth [rad] and energy [GeV].
    """

    event: NDArray[Any]
    pdg: NDArray[Any]
    charge: NDArray[Any]
    pt: NDArray[Any]
    eta: NDArray[Any]
    phi: NDArray[Any]
    energy: NDArray[Any]


class Collisions(NamedTuple):
    """A batch of events.

    Attributes
    ----------
    particles
        The stable visible particles; partons where Pythia does not hadronise.
    partons
        What was there before hadronisation and decays; without hadronisation the same.
    hard
        The hard processes.
    """

    particles: Particles
    partons: Particles
    hard: Hard


class Hard(NamedTuple):
    """The hard process: C candidates per event for the origin of a jet, each a chain of K partons.

    Attributes
    ----------
    p4
        ``(E, C, K, 4)`` px, py, pz, E [GeV]. qcd: C = 2 partons, K = 1. top: t and tbar, K = t, b, q1, q2.
        w, higgs: one candidate, K = W or H, q1, q2. q1 has the larger pT. z4: one candidate, K = the boson, q1, q2, q3,
        q4, pairs of one scalar each, the pair with the larger pT first. dark: C = 2 dark quarks, K = its dark matter,
        quark.
    pdg
        ``(E, C, K)`` particle numbers.
    pthat
        ``(E,)`` transverse momentum of the hard process [GeV]; zero for the resonances of ``w`` and ``dark``.
    """

    p4: NDArray[Any]
    pdg: NDArray[Any]
    pthat: NDArray[Any]


def start(lines: list[str], seed: int) -> Any:
    """Return a new Pythia, initialised from settings and a seed in [1, 9e8].

    Raises
    ------
    SimulationError
        If Pythia refuses a setting or cannot initialise.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in [*lines, f"Random:seed = {seed}"]:
        if not pythia.readString(line):
            raise SimulationError(f"Pythia refuses the setting {line!r}: see the list of settings in its manual")
    if not pythia.init():
        raise SimulationError("Pythia finds no cross section or no phase space with: " + "; ".join(lines))
    return pythia


def generate(pythia: Any, process: str, events: int) -> Collisions:
    """Generate a batch of events: their visible particles, their partons and their hard process.

    Parameters
    ----------
    pythia
        From :func:`start`.
    process
        The one that ``pythia`` was started with: ``qcd``, ``top``, ``w``, ``higgs``, ``z4`` or ``dark``.
    events
        How many to try; the few that Pythia gives up are left out.

    Raises
    ------
    SimulationError
        If Pythia gives them all up.
    """
    batch = pythia.nextBatch(events)
    if not len(batch):
        raise SimulationError("Pythia gives up every event: there is hardly any phase space in the pTHat window")
    record = _flatten(batch)
    dark = np.isin(np.abs(record["pdg"]), (12, 14, 16, DARK_MATTER))
    pthat = np.sqrt(np.asarray(batch.info.pT2Hat))
    index = HARD[process](record, len(pthat))
    hard = Hard(record["p4"][index], record["pdg"][index], pthat)
    if process == "dark":
        hard.p4[..., 0, :] = _unseen(record, hard.p4[..., 1, :])
    kept = ((record["status"] > 0) & ~dark, final_partons(record) & ~dark)
    particles, partons = (
        _visible(record["event"][keep], record["pdg"][keep], record["p4"][keep], pythia) for keep in kept
    )
    return Collisions(particles, partons, hard)


def final_partons(record: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return which entries were final when hadronisation began, ``(P,)``.

    Pythia appends what hadronisation makes, and its first entries have a status of 71 or more; what was final before
    is stable, or has its daughters behind there (as Pythia's ``Particle::isFinalPartonLevel``).
    """
    number, events = np.arange(len(record["event"])), int(record["event"].max()) + 1
    end = np.full(events, len(number))
    np.minimum.at(end, record["event"], np.where(np.abs(record["status"]) >= HADRONISED, number, len(number)))
    end = end[record["event"]]
    return (number < end) & ((record["status"] > 0) | (record["daughter"] >= end))


def _flatten(batch: Any) -> dict[str, NDArray[Any]]:
    """Return event records as flat arrays; ``mother`` and ``daughter`` count over the whole batch."""
    import awkward as ak

    counts = np.asarray(ak.num(batch.prt.id))
    offset = np.repeat(np.cumsum(counts) - counts, counts)
    record = ak.flatten(batch.prt[["id", "status", "mother1", "daughter1", "p"]])
    return {
        "event": np.repeat(np.arange(len(counts)), counts),
        "pdg": np.asarray(record.id).astype(np.int64),
        "status": np.asarray(record.status),
        "mother": np.asarray(record.mother1) + offset,
        "daughter": np.asarray(record.daughter1) + offset,
        "p4": np.stack([np.asarray(record.p[c]) for c in ("px", "py", "pz", "e")], axis=-1),
    }


def _visible(event: NDArray[np.int64], pdg: NDArray[np.int64], p4: NDArray[np.float64], pythia: Any) -> Particles:
    """Return kinematics and charges of stable particles; those along the beam leave the detector."""
    kinds, inverse = np.unique(pdg, return_inverse=True)
    charge = np.array([pythia.particleData.charge(int(kind)) for kind in kinds])[inverse]
    pt = np.hypot(p4[:, 0], p4[:, 1])
    eta = np.arcsinh(p4[:, 2] / np.maximum(pt, 1e-12))
    keep = np.abs(eta) < 6
    phi = np.arctan2(p4[:, 1], p4[:, 0])
    return Particles(*(x[keep] for x in (event, pdg, charge, pt, eta, phi, p4[:, 3])))


def _daughters(record: dict[str, NDArray[Any]], parent: int) -> NDArray[np.int64]:
    """Return indices of the quarks from decays of ``parent``, by event, the particle's before the antiparticle's.

    Of several particles that are alike, those of one together.
    """
    pdg, mother = record["pdg"], record["mother"]
    hard = np.flatnonzero((np.abs(record["status"]) == HARDEST) & (np.abs(pdg) <= 5))
    found = hard[np.abs(pdg[mother[hard]]) == parent]
    return found[np.lexsort((mother[found], -pdg[mother[found]], record["event"][found]))]


def _pairs_by_pt(record: dict[str, NDArray[Any]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return quark pairs (..., 2) with the larger pT first."""
    pt = np.hypot(record["p4"][index, 0], record["p4"][index, 1])
    return np.take_along_axis(index, np.argsort(-pt, axis=-1, kind="stable"), axis=-1)


def _hard_qcd(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    """Return indices (E, 2, 1) of the two outgoing partons."""
    return np.flatnonzero(np.abs(record["status"]) == HARDEST).reshape(events, 2, 1)


def _hard_top(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    """Return indices (E, 2, 4) of t, b, q1, q2; the top is the last copy before its decay."""
    quarks = _pairs_by_pt(record, _daughters(record, 24).reshape(events, 2, 2))
    b = _daughters(record, 6).reshape(events, 2, 1)
    return np.concatenate([record["mother"][b], b, quarks], axis=-1)


def _hard_boson(record: dict[str, NDArray[Any]], events: int, boson: int) -> NDArray[np.int64]:
    """Return indices (E, 1, 3) of the boson, q1, q2; the boson is the last copy before its decay."""
    quarks = _pairs_by_pt(record, _daughters(record, boson).reshape(events, 1, 2))
    return np.concatenate([record["mother"][quarks[..., :1]], quarks], axis=-1)


def _hard_w(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    return _hard_boson(record, events, 24)


def _hard_higgs(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    return _hard_boson(record, events, 25)


def _hard_z4(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    """Return indices (E, 1, 5) of the boson and both quarks of each scalar, the scalar with the larger pT first."""
    pairs = _pairs_by_pt(record, _daughters(record, 36).reshape(events, 2, 2))
    scalars = record["mother"][pairs[..., 0]]
    pt = np.hypot(record["p4"][scalars, 0], record["p4"][scalars, 1])
    pairs = np.take_along_axis(pairs, np.argsort(-pt, axis=1, kind="stable")[..., None], axis=1)
    boson = _first_mother(record, scalars[:, :1])
    return np.concatenate([boson, pairs.reshape(events, 4)], axis=-1)[:, None]


def _first_mother(record: dict[str, NDArray[Any]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest ancestors of entries that are another particle, through copies of the same."""
    pdg, mother = record["pdg"], record["mother"]
    while (same := pdg[mother[index]] == pdg[index]).any():
        index = np.where(same, mother[index], index)
    return mother[index]


def _hard_dark(record: dict[str, NDArray[Any]], events: int) -> NDArray[np.int64]:
    """Return indices (E, 2, 2): each of the two dark quarks, twice; the first place is that of its dark matter."""
    quarks = (np.abs(record["status"]) == HARDEST) & (np.abs(record["pdg"]) == DARK_QUARK)
    return np.repeat(np.flatnonzero(quarks).reshape(events, 2, 1), 2, axis=-1)


def _unseen(record: dict[str, NDArray[Any]], quarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the summed momentum (E, 2, 4) of the dark matter nearest to each dark quark; of none a billionth of it."""
    gone = np.flatnonzero((record["status"] > 0) & (np.abs(record["pdg"]) == DARK_MATTER))
    event, p4 = record["event"][gone], record["p4"][gone]
    axis = quarks[..., :3] / np.linalg.norm(quarks[..., :3], axis=-1, keepdims=True)
    nearest = np.einsum("pci,pi->pc", axis[event], p4[:, :3]).argmax(axis=1)
    found = 1e-9 * quarks
    np.add.at(found, (event, nearest), p4)
    return found


HARD = {"qcd": _hard_qcd, "top": _hard_top, "w": _hard_w, "higgs": _hard_higgs, "z4": _hard_z4, "dark": _hard_dark}
