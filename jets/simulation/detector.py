r"""A light particle-flow detector: two calorimeters, and what particle flow makes of them and the tracks.

Numbers are ATLAS-like. A calorimeter cell of true energy :math:`E` is measured as a log-normal variable of mean
:math:`E` and standard deviation

.. math:: \sigma(E) = \sqrt{c^2 E^2 + s^2 E + n^2}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jets.simulation.tracks import TRACK_ETA, find_tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.simulation.generator import Particles

TRACK, ECAL, HCAL = 1, 2, 3
# sin(bend) = 0.3 B r / (2 pT) with B = 2 T and r = 1.15 m: slower charged particles curl up before the calorimeter.
BEND_PT = 0.345


class Calorimeter(NamedTuple):
    """Cells and resolution of a calorimeter.

    Attributes
    ----------
    kind
        Number in ``Candidates.kind``.
    cell
        (eta, phi) size for ``|eta| < 2.5``.
    forward
        (eta, phi) size beyond.
    edges
        ``|eta|`` at which the resolution changes; the last is the end of the acceptance.
    constant, stochastic, noise
        c, s [GeV^1/2] and n [GeV] in each region.
    threshold
        Lowest energy, GeV.
    significance
        Lowest energy in units of its resolution.
    """

    kind: int
    cell: tuple[float, float]
    forward: tuple[float, float]
    edges: tuple[float, ...]
    constant: tuple[float, ...]
    stochastic: tuple[float, ...]
    noise: tuple[float, ...]
    threshold: float
    significance: float = 2.0

    def sigma(self, energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the energy resolution [GeV] at energies [GeV] and pseudorapidities, all ``(N,)``.

        >>> float(ELECTROMAGNETIC.sigma(np.array([100.0]), np.array([0.0]))[0].round(2))
        1.02
        """
        region = np.minimum(np.searchsorted(self.edges, np.abs(eta)), len(self.edges) - 1)
        c, s, n = (np.asarray(x)[region] for x in (self.constant, self.stochastic, self.noise))
        return np.sqrt((c * energy) ** 2 + s**2 * energy + n**2)


ELECTROMAGNETIC = Calorimeter(
    kind=ECAL,
    cell=(0.025, np.pi / 128),
    forward=(0.1, np.pi / 32),
    edges=(3.2, 4.9),
    constant=(0.0017, 0.035),
    stochastic=(0.101, 0.285),
    noise=(0.0, 0.0),
    threshold=0.5,
)
HADRONIC = Calorimeter(
    kind=HCAL,
    cell=(0.1, np.pi / 32),
    forward=(0.2, np.pi / 16),
    edges=(1.7, 3.2, 4.9),
    constant=(0.0302, 0.05, 0.0942),
    stochastic=(0.5205, 0.706, 1.0),
    noise=(1.59, 0.0, 0.0),
    threshold=1.0,
)


class Candidates(NamedTuple):
    """N massless particle-flow candidates, sorted by event.

    Attributes
    ----------
    event
        ``(N,)`` index of the event.
    pt, eta, phi
        ``(N,)`` GeV, 1, rad.
    kind
        ``(N,)`` 1 track, 2 ECAL, 3 HCAL.
    """

    event: NDArray[Any]
    pt: NDArray[Any]
    eta: NDArray[Any]
    phi: NDArray[Any]
    kind: NDArray[Any]


def electromagnetic_fraction(pdg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of the energy in the ECAL, ``(N,)``.

    Photons and electrons leave all of it there, K0S and Lambda, which decay inside, 0.3, other hadrons none.

    >>> electromagnetic_fraction(np.array([22, -11, 310, 211])).tolist()
    [1.0, 1.0, 0.3, 0.0]
    """
    kind = np.abs(pdg)
    return np.where(np.isin(kind, (11, 22)), 1.0, np.where(np.isin(kind, (310, 3122)), 0.3, 0.0))


def flow(
    calorimeter: Calorimeter,
    deposits: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    tracks: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> tuple[Candidates, NDArray[np.float64]]:
    r"""Measure cells, subtract the tracks that point at them, and make the excess neutral candidates.

    In each cell the neutral energy is :math:`E_\mathrm{cell} - \sum E_\mathrm{trk}`. It is kept if it exceeds the
    threshold and twice :math:`\sqrt{\sigma^2(E_\mathrm{cell}) + \sum\sigma^2_\mathrm{trk}}`. Otherwise the cell
    measures its tracks a second time, and their energies are scaled to the inverse-variance mean of both.

    Parameters
    ----------
    calorimeter
        Which one.
    deposits
        Event, eta, phi [rad] (where it hits the calorimeter) and energy [GeV] of all deposits, each ``(D,)``.
    tracks
        Index among the deposits, energy [GeV] and its resolution [GeV], each ``(T,)``.
    rng
        Source of randomness.

    Returns
    -------
    candidates
        The neutral ones; the position is uniform in the cell.
    scale
        ``(T,)`` factors for the track energies.
    """
    event, eta, phi, energy = deposits
    row, cell_event, lower, size = _cells(calorimeter, event, eta, phi)
    centre, cells = lower[0] + size[0] / 2, len(cell_event)
    hit, track_energy, track_sigma = tracks
    charged = np.bincount(row[hit], track_energy, minlength=cells).astype(float)
    variance = np.bincount(row[hit], track_sigma**2, minlength=cells).astype(float)
    measured = _smear(np.bincount(row, energy, minlength=cells).astype(float), centre, calorimeter, rng)
    excess, factor = _subtract(calorimeter, measured, calorimeter.sigma(measured, centre), charged, variance)
    neutral = excess > 0
    position = (lower + size * rng.random(lower.shape))[:, neutral]
    pt = excess[neutral] / np.cosh(position[0])
    kind = np.full(len(pt), calorimeter.kind, np.uint8)
    return Candidates(cell_event[neutral], pt, position[0], position[1], kind), factor[row[hit]]


def _subtract(
    calorimeter: Calorimeter,
    measured: NDArray[np.float64],
    sigma: NDArray[np.float64],
    charged: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each cell's neutral energy [GeV], zero if not significant, and the factor for its tracks' energies."""
    seen = (measured > calorimeter.threshold) & (measured > calorimeter.significance * sigma)
    excess = measured - charged
    neutral = seen & (excess > calorimeter.threshold)
    neutral &= excess > calorimeter.significance * np.sqrt(sigma**2 + variance)
    again = seen & ~neutral & (charged > 0)
    best = (charged * sigma**2 + measured * variance)[again] / (sigma**2 + variance)[again]
    factor = np.ones(len(measured))
    factor[again] = best / charged[again]
    return np.where(neutral, excess, 0.0), factor


def _cells(
    calorimeter: Calorimeter, event: NDArray[np.int64], eta: NDArray[np.float64], phi: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the row of each deposit's cell; of each cell its event, lower (eta, phi) corner and size, (2, cells)."""
    forward = np.abs(eta) >= TRACK_ETA
    size = np.where(forward, np.array([calorimeter.forward]).T, np.array([calorimeter.cell]).T)
    corner = np.floor(np.stack([eta, phi % (2 * np.pi)]) / size)
    # Fine cells are fewer than 2^10 in phi and lie in |eta| index < 2^10, so that one integer names a cell.
    key = ((event * 2 + forward) * 2048 + corner[0].astype(np.int64) + 1024) * 1024 + corner[1].astype(np.int64)
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    return row, event[first], (corner * size)[:, first], size[:, first]


def _smear(
    energy: NDArray[np.float64], eta: NDArray[np.float64], calorimeter: Calorimeter, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw log-normal energies with mean ``energy`` and standard deviation ``calorimeter.sigma``, all GeV."""
    spread = np.log1p((calorimeter.sigma(energy, eta) / np.maximum(energy, 1e-6)) ** 2)
    return energy * np.exp(np.sqrt(spread) * rng.standard_normal(len(energy)) - spread / 2)


def detect(particles: Particles, rng: np.random.Generator) -> Candidates:
    """Return the particle-flow candidates of a batch of events.

    Parameters
    ----------
    particles
        Stable visible particles.
    rng
        The only source of randomness.
    """
    tracks = find_tracks(particles, rng)
    track_energy = tracks.pt * np.cosh(tracks.eta)
    phi, reaches = _impact(particles)
    share = electromagnetic_fraction(particles.pdg)
    neutrals, scale = [], np.ones(len(track_energy))
    for calorimeter, part in ((ELECTROMAGNETIC, share), (HADRONIC, 1 - share)):
        hit = np.flatnonzero(reaches & (part > 0))
        place = np.full(len(share), -1)
        place[hit] = np.arange(len(hit))
        mine = place[tracks.particle] >= 0
        deposits = (particles.event[hit], particles.eta[hit], phi[hit], (particles.energy * part)[hit])
        pointing = (place[tracks.particle[mine]], track_energy[mine], tracks.sigma[mine])
        found, scale[mine] = flow(calorimeter, deposits, pointing, rng)
        neutrals.append(found)
    kind = np.full(len(scale), TRACK, np.uint8)
    charged = Candidates(particles.event[tracks.particle], tracks.pt * scale, tracks.eta, tracks.phi, kind)
    return _by_event([charged, *neutrals])


def _impact(particles: Particles) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where in azimuth [rad] each particle, bent if charged, meets the calorimeter, and if it leaves energy."""
    bend = np.arcsin(np.minimum(BEND_PT / np.maximum(particles.pt, BEND_PT), 1.0))
    reaches = (np.abs(particles.eta) < ELECTROMAGNETIC.edges[-1]) & (np.abs(particles.pdg) != 13)
    reaches &= (particles.charge == 0) | (particles.pt > BEND_PT)
    return particles.phi - particles.charge * bend, reaches


def _by_event(parts: list[Candidates]) -> Candidates:
    """Join candidates and sort them by event."""
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Candidates(*(column[order] for column in joined))
