"""Simulated jets: physics in range, files reproducible to the byte."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import jets
from jets import simulate as command

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets import clustering, generator, sample_file, truth
from jets.block import Config, simulate_block

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
