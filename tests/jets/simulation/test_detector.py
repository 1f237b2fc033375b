"""The detector emulation: response, resolution, efficiency and thresholds of single particles against closed forms."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets.simulation import detector
from jets.simulation.generator import Particles

# N single particles, each in its own event: means within 4 standard errors, widths within 5 %.

N = 20_000


def singles(pdg, charge, energy, eta=0.31, phi=0.4, n=N):
    column = np.ones(n)
    pt = energy / np.cosh(eta) * column
    return Particles(
        np.arange(n), pdg * np.ones(n, int), charge * column, pt, eta * column, phi * column, energy * column
    )


def join(*parts):
    return Particles(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@pytest.mark.parametrize(
    ("pdg", "energy", "calorimeter", "eta"),
    [
        (22, 50.0, detector.ELECTROMAGNETIC, 0.31),
        (22, 5.0, detector.ELECTROMAGNETIC, 1.6),
        (130, 100.0, detector.HADRONIC, 0.31),
        (2112, 300.0, detector.HADRONIC, 2.1),
    ],
)
def test_neutral_response_and_resolution(pdg, energy, calorimeter, eta):
    found = detector.detect(singles(pdg, 0.0, energy, eta), np.random.default_rng(0))
    assert (found.kind == calorimeter.kind).all()
    assert len(found.pt) == N
    # Energy and not pT: the position is uniform in the cell.
    measured = found.pt * np.cosh(found.eta)
    want = calorimeter.sigma(np.array([energy]), np.array([eta]))[0]
    assert abs(measured.mean() - energy) < 4 * want / np.sqrt(N)
    assert abs(measured.std() / want - 1) < 0.05
    assert (abs(found.eta - eta) < calorimeter.cell[0]).all()
    assert (abs(found.phi - 0.4) < calorimeter.cell[1]).all()


def test_tracks_have_their_efficiency_and_resolution():
    tracks = detector.find_tracks(singles(211, 1.0, 20 * np.cosh(0.31)), np.random.default_rng(1))
    assert abs(len(tracks.pt) / N - 0.95) < 4 * np.sqrt(0.95 * 0.05 / N)
    want = 20 * np.hypot(0.010, 5e-4 * 20)
    assert abs(tracks.pt.mean() - 20) < 4 * want / np.sqrt(N)
    assert abs(tracks.pt.std() / want - 1) < 0.05
    assert abs(tracks.phi.std() / np.hypot(1e-4, 1e-4) - 1) < 0.05


def test_pions_are_one_track_or_one_cluster_and_better_than_the_calorimeter():
    found = detector.detect(singles(211, 1.0, 20 * np.cosh(0.31)), np.random.default_rng(2))
    tracks = found.kind == detector.TRACK
    assert abs(tracks.sum() / N - 0.95) < 0.01
    total = np.bincount(found.event, found.pt * np.cosh(found.eta), minlength=N)
    lost = np.bincount(found.event, tracks, minlength=N) == 0
    sigma = detector.HADRONIC.sigma(np.array([20 * np.cosh(0.31)]), np.array([0.31]))[0]
    assert np.std(found.pt[tracks]) < sigma / 5
    assert abs(total[lost].std() / sigma - 1) < 0.15


def test_photon_next_to_a_pion_is_recovered():
    """Hadrons leave nothing in the ECAL, a photon in the shadow of a pion keeps its energy."""
    found = detector.detect(join(singles(22, 0.0, 10.0), singles(211, 1.0, 15.0)), np.random.default_rng(3))
    photons = found.kind == detector.ECAL
    measured = found.pt[photons] * np.cosh(found.eta[photons])
    assert abs(measured.mean() - 10) < 4 * 0.32 / np.sqrt(N)


def test_neutral_hadron_in_the_cell_of_a_pion_is_the_excess():
    """Of 80 GeV in a cell the track explains 20: the mean excess is the neutral hadron's 60."""
    energy = 20 * np.cosh(0.31)
    # The pion is bent into the neutral hadron's cell.
    pion = singles(211, 1.0, energy, phi=0.4 + np.arcsin(detector.BEND_PT / 20))
    found = detector.detect(join(singles(130, 0.0, 60.0), pion), np.random.default_rng(4))
    tracked = np.bincount(found.event[found.kind == detector.TRACK], minlength=N) > 0
    neutral = (found.kind == detector.HCAL) & tracked[found.event]
    measured = (found.pt * np.cosh(found.eta))[neutral]
    assert neutral.sum() > 0.999 * tracked.sum()
    assert abs(measured.mean() - 60) < 4 * 5.5 / np.sqrt(neutral.sum())


def test_muons_are_tracks_only_and_thresholds_hold():
    rng = np.random.default_rng(5)
    assert set(detector.detect(singles(13, -1.0, 30.0), rng).kind) == {detector.TRACK}
    soft = join(
        *(singles(*kind, 0.2, eta, n=2000) for kind in ((22, 0.0), (130, 0.0), (211, 1.0)) for eta in (0, 2, 4))
    )
    soft = soft._replace(energy=soft.energy * rng.uniform(1, 40, len(soft.pt)))
    soft = soft._replace(pt=soft.energy / np.cosh(soft.eta))
    found = detector.detect(soft, rng)
    energy = found.pt * np.cosh(found.eta)
    assert energy[found.kind == detector.ECAL].min() > 0.5
    assert energy[found.kind == detector.HCAL].min() > 2
    assert abs(found.eta[found.kind == detector.TRACK]).max() < 2.52
    assert set(found.kind) == {1, 2, 3}


def test_positive_particles_bend_to_smaller_azimuth():
    slow = singles(-11, 1.0, 0.45 * np.cosh(0.31))
    found = detector.detect(slow, np.random.default_rng(6))
    bend = np.arcsin(0.345 / 0.45)
    assert abs(found.phi.mean() - (0.4 - bend + 2 * np.pi)) < np.pi / 128
