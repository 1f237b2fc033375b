r"""A light particle-flow detector: tracks, two calorimeters, and what particle flow makes of them.

Numbers are ATLAS-like. A calorimeter cell of true energy :math:`E` is measured as a log-normal variable of mean
:math:`E` and standard deviation

.. math:: \sigma(E) = \sqrt{c^2 E^2 + s^2 E + n^2}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.generator import Particles

TRACK, ECAL, HCAL = 1, 2, 3
TRACK_ETA, TRACK_PT = 2.5, 0.5
# sin(bend) = 0.3 B r / (2 pT) with B = 2 T and r = 1.15 m: slower charged particles curl up before the calorimeter.
BEND_PT = 0.345


class Calorimeter(NamedTuple):
    """Cells and resolution of a calorimeter.

    Attributes
    ----------
    kind : number in ``Candidates.kind``.
    cell : (eta, phi) size for ``|eta| < 2.5``.
    forward : (eta, phi) size beyond.
    edges : |eta| at which the resolution changes; the last is the end of the acceptance.
    constant, stochastic, noise : c, s [GeV^1/2] and n [GeV] in each region.
    threshold : lowest energy, GeV.
    significance : lowest energy in units of its resolution.
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
        """Energy resolution [GeV] at energies [GeV] and pseudorapidities, all (N,).

        Examples
        --------
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
    """Massless particle-flow candidates, sorted by event; all (N,), pt in GeV, kind 1 track, 2 ECAL, 3 HCAL."""

    event: NDArray[Any]
    pt: NDArray[Any]
    eta: NDArray[Any]
    phi: NDArray[Any]
    kind: NDArray[Any]


class Tracks(NamedTuple):
    """Reconstructed tracks; ``particle`` is the index of the charged particle; ``sigma`` of the energy, GeV."""

    particle: NDArray[Any]
    pt: NDArray[Any]
    eta: NDArray[Any]
    phi: NDArray[Any]
    sigma: NDArray[Any]


def efficiency(pt: NDArray[np.float64], eta: NDArray[np.float64], pdg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability that a charged particle gives a track, (N,), from pt [GeV], eta and particle numbers.

    Examples
    --------
    >>> efficiency(np.array([0.7, 5.0, 5.0, 0.3]), np.array([0.0, 0.0, 2.0, 0.0]), np.full(4, 211)).tolist()
    [0.8, 0.95, 0.85, 0.0]
    """
    central = np.abs(eta) < 1.5
    slow = np.where(central, 0.80, 0.70)
    fast = np.where(np.abs(pdg) == 13, 0.98, np.where(central, 0.95, 0.85))
    return np.where((pt > TRACK_PT) & (np.abs(eta) < TRACK_ETA), np.where(pt < 1, slow, fast), 0.0)


def momentum_resolution(pt: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Relative resolution of track pT, :math:`a \oplus b\,p_T`; (N,), pt in GeV.

    Examples
    --------
    >>> momentum_resolution(np.array([20.0]), np.array([0.0])).round(4).tolist()
    [0.0141]
    """
    central = np.abs(eta) < 1.5
    return np.hypot(np.where(central, 0.010, 0.015), np.where(central, 5e-4, 8e-4) * pt)


def find_tracks(particles: Particles, rng: np.random.Generator) -> Tracks:
    """Tracks of the charged particles: efficiency, then Gaussian momentum and angles, then the pT threshold."""
    charged = np.flatnonzero(particles.charge)
    lucky = rng.random(len(charged)) < efficiency(particles.pt[charged], particles.eta[charged], particles.pdg[charged])
    index = charged[lucky]
    relative = momentum_resolution(particles.pt[index], particles.eta[index])
    g = rng.standard_normal((3, len(index)))
    pt = particles.pt[index] * (1 + relative * g[0])
    eta = particles.eta[index] + np.hypot(7e-4, 2e-3 / particles.pt[index]) * g[1]
    phi = particles.phi[index] + np.hypot(1e-4, 2e-3 / particles.pt[index]) * g[2]
    keep = pt > TRACK_PT
    # The resolution that reconstruction believes is the one at the measured momentum.
    sigma = momentum_resolution(pt, eta) * pt * np.cosh(eta)
    return Tracks(*(x[keep] for x in (index, pt, eta, phi, sigma)))


def electromagnetic_fraction(pdg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the energy in the ECAL: photons and electrons all, K0S and Lambda (decaying inside) 0.3, hadrons none.

    Examples
    --------
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
    calorimeter : which one.
    deposits : event, eta, phi (where it hits the calorimeter) and energy [GeV] of all deposits, each (D,).
    tracks : index among the deposits, energy [GeV] and its resolution [GeV], each (T,).

    Returns
    -------
    candidates : the neutral ones; the position is uniform in the cell.
    scale : (T,), factors for the track energies.
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
    """Neutral energy of each cell [GeV], zero if not significant, and the factor for the energies of its tracks."""
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
    """The row of each deposit's cell; of each cell its event, its lower (eta, phi) corner and its size, (2, cells)."""
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
    """Log-normal energies with mean ``energy`` and standard deviation ``calorimeter.sigma``, all GeV."""
    spread = np.log1p((calorimeter.sigma(energy, eta) / np.maximum(energy, 1e-6)) ** 2)
    return energy * np.exp(np.sqrt(spread) * rng.standard_normal(len(energy)) - spread / 2)


def detect(particles: Particles, rng: np.random.Generator) -> Candidates:
    """Particle-flow candidates of a batch of events.

    Parameters
    ----------
    particles : stable visible particles.
    rng : the only source of randomness.
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
    """Azimuth at which each particle meets the calorimeter, bent if charged, and whether it deposits energy there."""
    bend = np.arcsin(np.minimum(BEND_PT / np.maximum(particles.pt, BEND_PT), 1.0))
    reaches = (np.abs(particles.eta) < ELECTROMAGNETIC.edges[-1]) & (np.abs(particles.pdg) != 13)
    reaches &= (particles.charge == 0) | (particles.pt > BEND_PT)
    return particles.phi - particles.charge * bend, reaches


def _by_event(parts: list[Candidates]) -> Candidates:
    """Join candidates and sort them by event."""
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Candidates(*(column[order] for column in joined))
