"""Files of simulated jets: the same to the byte however often a run is killed, whatever the number of processes."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pytest

import jets

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets.simulation import sample, sample_file
from jets.simulation.config import Config, SimulationError
from jets.simulation.sample import simulate
from jets.simulation.unfinished import begin, block_path, ensure_block, is_whole, load_block
from tests.fuzz.mutate import mutated

ROOT = Path(jets.__file__).parents[1]
SMALL = Config("w", n=60, seed=3, events_per_block=50)
SCRIPT = """
import sys
from jets.simulation.config import Config
from jets.simulation.sample import simulate
simulate(Config("w", n=60, seed=3, events_per_block=50), sys.argv[1])
"""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "w.h5"
    assert simulate(SMALL, out) > 0
    assert [path.name for path in out.parent.iterdir()] == ["w.h5"]
    return out


def test_killed_and_continued_is_the_same_to_the_byte(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    folder = tmp_path / "w.h5.partial"
    words = [sys.executable, "-c", SCRIPT, str(out)]
    for blocks in (1, 2):
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
        while len(list(folder.glob("block-*.npz"))) < blocks:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    # What a kill in the middle of a write leaves.
    (folder / ".block-000002.npz.1.tmp").write_bytes((folder / "block-000000.npz").read_bytes()[:100])
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    assert out.read_bytes() == uninterrupted.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]


def test_two_processes_give_the_same_file_as_one(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    simulate(SMALL, out, jobs=2)
    assert out.read_bytes() == uninterrupted.read_bytes()


def test_killed_after_the_file_is_in_place(tmp_path, uninterrupted, monkeypatch):
    """The next run finds file and folder, sees that they agree, and only tidies up."""
    out = tmp_path / "w.h5"
    with monkeypatch.context() as patch:
        patch.setattr(sample.shutil, "rmtree", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            simulate(SMALL, out)
    assert out.exists()
    assert (tmp_path / "w.h5.partial").is_dir()
    simulate(SMALL, out)
    assert out.read_bytes() == uninterrupted.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]


def test_short_sample_begins_the_long_one(tmp_path, uninterrupted):
    out = tmp_path / "w.h5"
    simulate(replace(SMALL, n=10), out)
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
    simulate(replace(SMALL, compact=True, max_constituents=50), out)
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
        assert compact.attrs["note"].startswith("jetvae simulate w --n 60 --seed 3 --compact --max-constituents 50:")


@pytest.mark.parametrize(
    ("out", "seed", "message"),
    [
        ("there.h5", 0, "there.h5 exists and is not overwritten"),
        ("no/where.h5", 0, "no is no folder"),
        ("begun.h5", 5, "was begun with n = 9, not 10000; seed = 4, not 5"),
    ],
)
def test_nothing_is_overwritten(out, seed, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there.h5").write_bytes(b"mine")
    begin(Path("begun.h5.partial"), Config("w", n=9, seed=4))
    with pytest.raises(SimulationError, match=message):
        simulate(Config("w", seed=seed), out)
    assert Path("there.h5").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("process", "changes", "message"),
    [
        ("z", {}, "no process 'z'; there are qcd, top, w, dark, higgs, z4"),
        ("dark", {"level": ("parton",)}, "dark quarks are no jets"),
        ("dark", {"shower": "vincia"}, "only the simple shower radiates from them"),
        ("dark", {"hadronisation": "off"}, "dark quarks are no jets"),
        ("w", {"n": 0}, "n is 0; expected a whole number of at least 1"),
        ("w", {"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ("qcd", {"pthat_min": 900.0, "pthat_max": 800.0}, "pthat_min < pthat_max < 7000 GeV, got 900.0 and 800.0"),
    ],
)
def test_impossible_samples_are_refused(process, changes, message):
    with pytest.raises(SimulationError, match=message):
        Config(process, **changes)


def test_missing_generator_is_named(monkeypatch):
    monkeypatch.setattr(sample, "find_spec", lambda name: None)
    with pytest.raises(SimulationError, match="pythia8mc and fastjet and awkward not installed: pip install"):
        simulate(Config("top"), "top.h5")


@pytest.mark.parametrize("text", ["", "[]", "[" * 20000, "{", '"x"'])
def test_a_damaged_record_is_one_line(text, tmp_path):
    folder = tmp_path / "begun.h5.partial"
    begin(folder, Config("w", n=9, seed=4))
    (folder / "config.json").write_text(text)
    with pytest.raises(SimulationError, match=r"config.json: not readable .*delete"):
        begin(folder, Config("w", n=9, seed=4))


def test_a_damaged_block_is_simulated_again(tmp_path, monkeypatch):
    """Also one whose directory lists fewer arrays, or others, than were written."""
    want = {"label": np.zeros(50, np.uint8), "constituents": np.arange(600.0)}
    monkeypatch.setattr("jets.simulation.unfinished.simulate_block", lambda *_: want)
    path = block_path(tmp_path, 0)
    assert not is_whole(path)
    ensure_block(tmp_path, Config("w", n=9), 0)
    assert is_whole(path)
    sound = path.read_bytes()
    for number in range(200):
        path.write_bytes(mutated(sound, Random(number)))
        if is_whole(path):
            found = load_block(tmp_path, 0)
            assert list(found) == list(want)
            assert all(np.array_equal(found[name], array) for name, array in want.items())
        else:
            ensure_block(tmp_path, Config("w", n=9), 0)
            assert is_whole(path)
    np.savez(path, label=want["label"], names=["constituents", "label"])
    assert not is_whole(path)


def test_a_folder_in_which_others_write_is_removed(tmp_path, monkeypatch):
    """A file that another process moves away while the folder is removed is no reason to fail."""
    folder, real, tried = tmp_path / "a.partial", shutil.rmtree, []
    folder.mkdir()
    (folder / "block").touch()

    def interfered(path):
        tried.append(path)
        if len(tried) < 3:
            raise FileNotFoundError(2, "No such file or directory", ".block.tmp")
        real(path)

    monkeypatch.setattr(sample.shutil, "rmtree", interfered)
    monkeypatch.setattr(sample, "PAUSE", 0.0)
    sample.remove(folder)
    assert len(tried) == 3
    assert not folder.exists()
