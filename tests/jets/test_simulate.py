"""Simulated jets: physics in range, files reproducible to the byte, detector and substructure against closed forms."""

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.optimize import minimize

import jets
from jets import simulate as command

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets import clustering, detector, generator, sample_file, truth
from jets.block import Config, simulate_block
from jets.generator import Particles
from jets.substructure import substructure

ROOT = Path(jets.__file__).parents[1]
SMALL = ("w", "--n", "60", "--seed", "3", "--events-per-block", "50")
EVENTS = {"qcd": 1000, "top": 1500, "w": 500}


@pytest.fixture(scope="module", params=EVENTS)
def sample(request):
    return request.param, simulate_block(Config(request.param, events_per_block=EVENTS[request.param]), 0)


def core(mass, half_width):
    """Mean of the Gaussian core: the fixed point of the mean of all masses within a window around it."""
    centre = np.median(mass)
    for _ in range(50):
        centre = mass[abs(mass - centre) < half_width].mean()
    return centre


# Physics. With these numbers of events a mean has a standard error of about a fifth of its window.


def test_physics_is_in_range(sample):
    process, arrays = sample
    mass, n = arrays["jet"][:, 3], arrays["jet"][:, 5]
    tau21, tau32 = (np.mean(arrays["subst"][:, k] / arrays["subst"][:, k - 1]) for k in (1, 2))
    ranges = {
        "qcd": [(n.mean(), 38, 48), (np.median(mass), 55, 80), (tau21, 0.53, 0.62), (tau32, 0.70, 0.78)],
        "top": [(core(mass, 20), 168, 178), (n.mean(), 51, 62), (tau21, 0.44, 0.53), (tau32, 0.46, 0.55)],
        "w": [(core(mass, 12), 78, 86), (n.mean(), 30, 37), (tau21, 0.32, 0.40), (tau32, 0.62, 0.71)],
    }
    for value, low, high in ranges[process]:
        assert low < value < high


def test_jets_are_inside_the_selection(sample):
    process, arrays = sample
    pt, eta = arrays["jet"][:, 0], arrays["jet"][:, 1]
    assert ((pt > 550) & (pt < 650) & (abs(eta) < 2)).all()
    assert (arrays["label"] == ("qcd", "top", "w").index(process)).all()


def test_constituents_sum_to_the_jet_at_its_rapidity(sample):
    """The sum of massless constituents is back at the origin only if this is the rapidity."""
    _, arrays = sample
    whole = arrays["jet"][:, 5] <= 80
    c = arrays["constituents"][whole].astype(float)
    parts = (np.cos(c[..., 2]), np.sin(c[..., 2]), np.sinh(c[..., 1]), np.cosh(c[..., 1]))
    px, py, pz, e = ((c[..., 0] * part).sum(1) for part in parts)
    jet = arrays["jet"][whole].astype(float)
    np.testing.assert_allclose(np.hypot(px, py), jet[:, 0], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(e**2 - px**2 - py**2 - pz**2), jet[:, 3], rtol=1e-3, atol=0.1)
    np.testing.assert_allclose(np.arctanh(pz / e), 0, atol=1e-5)
    np.testing.assert_allclose(np.arctan2(py, px), 0, atol=1e-5)


def test_constituents_fall_and_are_padded(sample):
    _, arrays = sample
    pt = arrays["constituents"][..., 0]
    assert (np.diff(pt, axis=1) <= 0).all()
    assert ((pt > 0) == (arrays["kind"] > 0)).all()
    assert ((pt > 0).sum(1) == np.minimum(arrays["jet"][:, 5], 80)).all()


def test_truth_is_consistent(sample):
    process, arrays = sample
    t = dict(zip(truth.COLUMNS[process], arrays["truth"].T, strict=True))
    if process == "qcd":
        assert set(abs(t["parton_id"])) <= {1, 2, 3, 4, 5, 21}
        assert (t["pthat"] > 450).all()
        np.testing.assert_allclose(t["parton_pt"], t["pthat"], rtol=1e-4)
        return
    distances = [np.hypot(t[f"{q}_deta"], t[f"{q}_dphi"]) for q in ("q1", "q2")]
    assert np.max(distances) < clustering.RADIUS
    assert (t["q1_pt"] >= t["q2_pt"]).all()
    # A fast W's momentum fraction is (1 + cos) / 2 up to its mass over its momentum.
    z = t["z_q1" if process == "w" else "z_q1_in_W"]
    fast = (t["q1_pt"] + t["q2_pt"]) > 400
    assert np.corrcoef(z[fast], t["costheta_W"][fast])[0, 1] > 0.95
    if process == "top":
        assert (t["dR_max"] < clustering.RADIUS).all()
        np.testing.assert_allclose(t["top_pt"], 600, atol=350)


def test_partons_have_the_masses_of_their_resonances():
    pythia = generator.start(generator.settings("top", (450.0, 1200.0)), 1)
    _, hard = generator.generate(pythia, "top", 100)
    p4 = hard.p4

    def mass(p):
        return np.sqrt(p[..., 3] ** 2 - (p[..., :3] ** 2).sum(-1))

    assert p4.shape == (100, 2, 4, 4)
    # Not exactly: the W may recoil from what the b radiates.
    assert np.median(abs(p4[..., 1:, :].sum(2) - p4[..., 0, :])) < 5
    assert abs(np.median(mass(p4[..., 2, :] + p4[..., 3, :])) - 80.4) < 0.5
    assert abs(np.median(mass(p4[..., 0, :])) - 172) < 2
    assert (hard.pdg[:, 0, 0] == 6).all()
    assert (hard.pdg[:, 1, 0] == -6).all()


@pytest.mark.parametrize("process", ["qcd", "top"])
def test_events_without_a_jet_give_no_rows(process):
    arrays = simulate_block(Config(process, pthat_min=20, pthat_max=30, events_per_block=20), 0)
    full = {"constituents": (80, 3), "kind": (80,), "jet": (6,), "label": (), "subst": (11,)}
    full["truth"] = (len(truth.COLUMNS[process]),)
    assert {name: array.shape for name, array in arrays.items()} == {name: (0, *rest) for name, rest in full.items()}


# Files.


def shell(*arguments):
    return [sys.executable, "-m", "jets.simulate", *map(str, arguments)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "w.h5"
    assert command.main([*SMALL, "--out", str(out)]) == 0
    assert [path.name for path in out.parent.iterdir()] == ["w.h5"]
    return out


def test_killed_and_continued_is_the_same_to_the_byte(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    folder = tmp_path / "w.h5.partial"
    for blocks in (1, 2):
        process = subprocess.Popen(shell(*SMALL, "--out", out), cwd=ROOT, stderr=subprocess.DEVNULL)
        while len(list(folder.glob("block-*.npz"))) < blocks:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    # What a kill in the middle of a write leaves.
    (folder / "block-000002.npz.1.tmp").write_bytes((folder / "block-000000.npz").read_bytes()[:100])
    subprocess.run(shell(*SMALL, "--out", out), cwd=ROOT, check=True, capture_output=True)
    assert out.read_bytes() == uninterrupted.read_bytes()
    assert not folder.exists()


def test_two_processes_give_the_same_file_as_one(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    subprocess.run(shell(*SMALL, "--out", out, "--jobs", 2), cwd=ROOT, check=True, capture_output=True)
    assert out.read_bytes() == uninterrupted.read_bytes()


def test_killed_after_the_file_is_in_place(tmp_path, uninterrupted, monkeypatch):
    """The next run finds file and folder, sees that they agree, and only tidies up."""
    out = tmp_path / "w.h5"
    with monkeypatch.context() as patch:
        patch.setattr(command.shutil, "rmtree", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        assert command.main([*SMALL, "--out", str(out)]) == 130
    assert command.main([*SMALL, "--out", str(out)]) == 0
    assert out.read_bytes() == uninterrupted.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]


def test_short_sample_begins_the_long_one(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    assert command.main(["w", "--n", "10", *SMALL[3:], "--out", str(out)]) == 0
    with h5py.File(out) as short, h5py.File(uninterrupted) as long:
        for name in long:
            np.testing.assert_array_equal(short[name], long[name][:10])


def test_file_has_the_datasets_of_its_format(uninterrupted):
    with h5py.File(uninterrupted) as file:
        assert {name: (d.shape, str(d.dtype)) for name, d in file.items()} == {
            "constituents": ((60, 80, 3), "float32"),
            "jet": ((60, 6), "float32"),
            "kind": ((60, 80), "uint8"),
            "label": ((60,), "uint8"),
            "subst": ((60, 11), "float32"),
            "truth": ((60, 13), "float32"),
        }
        for dataset in file.values():
            assert (dataset.compression, dataset.shuffle) == ("gzip", True)
            one = dataset.name in ("/kind", "/label")
            assert len(dataset.attrs["columns"]) == (1 if one else dataset.shape[-1])
            assert isinstance(dataset.attrs["units"], str)
        assert list(file.attrs["classes"]) == ["qcd", "top", "w"]
        assert file.attrs["events"] == 150


def test_compact_file_is_the_full_one_within_its_steps(tmp_path, uninterrupted):
    out = tmp_path / "compact.h5"
    assert command.main([*SMALL, "--compact", "--max-constituents", "50", "--out", str(out)]) == 0
    with h5py.File(out) as compact, h5py.File(uninterrupted) as full:
        constituents = compact["constituents"]
        value = constituents[:] * constituents.attrs["scale"]
        want = full["constituents"][:, :50]
        hard = want[..., 0] > sample_file.SCALE[0] / 2
        assert (abs(value - want)[hard] <= np.array(sample_file.SCALE) * 0.5001).all()
        assert ((value[..., 0] > 0) == (want[..., 0] > 0)).all()
        for name in ("jet", "subst", "truth"):
            np.testing.assert_allclose(compact[name][:], full[name][:], rtol=2.0**-sample_file.MANTISSA_BITS)
        assert "kind" not in compact


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["z"], "invalid choice: 'z'"),
        ([], "process"),
        (["w", "--n", "0"], "at least 1, got '0'"),
        (["w", "--n", "many"], "at least 1, got 'many'"),
        (["w", "--seed", "-1"], "at least 0, got '-1'"),
        (["qcd", "--pthat-min", "900", "--pthat-max", "800"], "--pthat-min < --pthat-max"),
        (["w", "--out", "there.h5"], "there.h5 exists and is not overwritten"),
        (["w", "--out", "no/where.h5"], "no is no folder"),
        (["w", "--seed", "5", "--out", "begun.h5"], "was begun with n = 9, not 10000; seed = 4, not 5"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("there.h5").write_bytes(b"mine")
    command.begin(Path("begun.h5.partial"), Config("w", n=9, seed=4))
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert Path("there.h5").read_bytes() == b"mine"


def test_missing_generator_is_named(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        command.main(["top"])
    assert stop.value.code == 2
    assert "pythia8mc and fastjet and awkward not installed: pip install '.[simulate]'" in capsys.readouterr().err


def test_first_jets_of_the_embedded_sample_are_reproduced():
    """Other processors may round differently, and from the first difference on random numbers diverge."""
    with h5py.File(ROOT / "jets" / "sample" / "w.h5") as file:
        if file.attrs["pythia8mc"] != sample_file.versions()["pythia8mc"]:
            pytest.skip("made by another version of Pythia")
        jet = file["jet"][:50]
    again = simulate_block(Config("w", seed=1, max_constituents=50, events_per_block=500), 0)["jet"][:50]
    assert np.isclose(again, jet, rtol=2e-4, atol=1e-6).all(axis=1).sum() >= 10


# Detector. N single particles, each in its own event: means within 4 standard errors, widths within 5 %.

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


# Substructure against clustering and minimisation written out for a few particles.


def random_jet(rng, n):
    return rng.exponential(20, n) + 1, rng.normal(0, 0.25, n), rng.normal(0, 0.25, n)


def four(pt, y, phi):
    return np.array([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), pt * np.cosh(y)])


def place(p):
    return np.hypot(p[0], p[1]), np.arctanh(p[2] / p[3]), np.arctan2(p[1], p[0])


def gap(a, b):
    return np.hypot(place(a)[1] - place(b)[1], place(a)[2] - place(b)[2])


def recluster(particles, power, stop):
    """Sequential recombination down to ``stop`` pseudojets; each is (momentum, parents)."""
    jets_left = [(p, None) for p in particles]
    while len(jets_left) > stop:

        def distance(pair, momenta=tuple(p for p, _ in jets_left)):
            a, b = (momenta[i] for i in pair)
            return gap(a, b) ** 2 * min(place(a)[0], place(b)[0]) ** (2 * power)

        i, j = min(itertools.combinations(range(len(jets_left)), 2), key=distance)
        a, b = jets_left[i], jets_left[j]
        jets_left = [x for k, x in enumerate(jets_left) if k not in (i, j)] + [(a[0] + b[0], (a, b))]
    return jets_left


def soft_drop(node):
    while node[1] is not None:
        a, b = sorted(node[1], key=lambda x: place(x[0])[0])
        z = place(a[0])[0] / (place(a[0])[0] + place(b[0])[0])
        if z > 0.1:
            p = node[0]
            return np.sqrt(max(p[3] ** 2 - (p[:3] ** 2).sum(), 0)), z, gap(a[0], b[0])
        node = b
    return 0.0, -1.0, -1.0


@pytest.mark.parametrize("n", [1, 2, 3, 7, 15])
def test_soft_drop_and_subjets_against_brute_force(n):
    rng = np.random.default_rng(n)
    jets_made = [random_jet(rng, n) for _ in range(20)]
    flat = [np.concatenate(column) for column in zip(*jets_made, strict=True)]
    got = substructure(clustering.momenta(*flat, np.full(20, n)))
    for row, jet in zip(got, jets_made, strict=True):
        particles = list(four(*jet).T)
        np.testing.assert_allclose(row[4:7], soft_drop(recluster(particles, 0, 1)[0]), rtol=1e-4, atol=1e-3)
        found = sorted((p for p, _ in recluster(particles, 1, 3)), key=lambda p: -place(p)[0])
        pt = np.array([place(p)[0] for p in found] + [0.0] * (3 - len(found)))
        nearest = min(gap(a, b) for a, b in itertools.combinations(found, 2)) if len(found) == 3 else 0
        np.testing.assert_allclose(row[7:], [*(pt / pt.sum()), nearest], rtol=1e-4, atol=1e-6)


def tau1(pt, y, phi):
    """Its minimum over the axis is a convex problem, the geometric median."""

    def total(axis):
        return (pt * np.hypot(y - axis[0], phi - axis[1])).sum()

    starts = [*np.stack([y, phi], 1), np.array([(pt * y).sum(), (pt * phi).sum()]) / pt.sum()]
    best = min(
        (minimize(total, start, method="Nelder-Mead", options={"xatol": 1e-7}) for start in starts), key=lambda r: r.fun
    )
    return min(best.fun, min(total(start) for start in starts)) / 0.8


def test_tau_is_the_minimum_over_axes():
    """One jet of k far, tight bundles: tau_k is the sum of the bundles' own tau_1."""
    rng = np.random.default_rng(0)
    for k, centres in enumerate(([(0, 0)], [(0, 0), (0.5, 0)], [(0, 0), (0.5, 0), (0, 0.5)]), start=1):
        bundles = [(rng.exponential(20, 6) + 5, rng.normal(c[0], 0.02, 6), rng.normal(c[1], 0.02, 6)) for c in centres]
        flat = [np.concatenate(column) for column in zip(*bundles, strict=True)]
        want = sum(tau1(*bundle) for bundle in bundles) / flat[0].sum()
        got = substructure(clustering.momenta(*flat, np.array([len(flat[0])])))[0]
        assert abs(got[k - 1] / want - 1) < 5e-3


def test_no_jets_give_no_rows():
    empty = np.empty(0)
    assert substructure(clustering.momenta(empty, empty, empty, np.empty(0, int))).shape == (0, 11)
    nothing = detector.Candidates(empty.astype(int), empty, empty, empty, empty.astype(np.uint8))
    assert len(clustering.leading_jets(nothing, 5).event) == 0
