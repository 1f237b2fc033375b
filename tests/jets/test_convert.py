"""Conversion: streamed, with what was left out; and what inspection says of a file."""

import json

import h5py
import numpy as np
import pytest

from jets import JetFileError, Jets, load, save
from jets.convert import convert
from jets.formats import Wanted, jets_in, top_reference
from jets.inspection import inspect
from jetvae.__main__ import main
from tests.jets.formats import makers


def same(found, expected):
    width = expected.constituents.shape[1]
    np.testing.assert_array_equal(found.constituents[:, :width], expected.constituents)
    assert not found.constituents[:, width:].any()
    assert [found.classes[i] for i in found.label] == [expected.classes[i] for i in expected.label]
    for name, values in expected.jet.items():
        np.testing.assert_array_equal(found.jet[name], values)


def test_converted_in_parts_equals_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(top_reference, "ROWS", 5)
    t = makers.truth(n=33)
    makers.top_reference(tmp_path / "a.h5", t)
    done = convert([str(tmp_path / "a.h5")], tmp_path / "b.h5")
    assert done.counts == {"qcd": int((t.label == 0).sum()), "top": int((t.label == 1).sum())}
    same(load(tmp_path / "b.h5"), jets_in(tmp_path / "a.h5"))


def test_several_files_and_classes(tmp_path):
    """Classes of equal name are one, columns that one file lacks are NaN, the narrower jets are padded."""
    first, second = makers.truth(n=6, most=10), makers.truth(1, n=4, most=30)
    makers.jetclass_root(tmp_path / "a.root", first)
    makers.array_energy_last(tmp_path / "Hbb.npz", second)
    convert([str(tmp_path / "a.root"), str(tmp_path / "Hbb.npz")], tmp_path / "b.h5")
    found = load(tmp_path / "b.h5")
    assert len(found) == 10
    names = ["QCD", "Hbb"]
    assert [found.classes[i] for i in found.label] == [names[i] for i in first.label] + ["Hbb"] * 4
    assert np.isfinite(found.jet["jet_pt"][:6]).all()
    assert np.isnan(found.jet["jet_pt"][6:]).all()
    same(found[6:], jets_in(tmp_path / "Hbb.npz"))


def test_weights_and_events_are_kept(tmp_path):
    t = makers.truth()
    makers.pfnano(tmp_path / "a.root", t)
    convert([str(tmp_path / "a.root")], tmp_path / "b.h5")
    found, expected = load(tmp_path / "b.h5"), load(tmp_path / "a.root")
    np.testing.assert_array_equal(found.weights, expected.weights)
    np.testing.assert_array_equal(found.events, expected.events)
    makers.array_energy_last(tmp_path / "c.npz", t)
    with pytest.raises(JetFileError, match="in some files and not in others"):
        convert([str(tmp_path / "a.root"), str(tmp_path / "c.npz")], tmp_path / "d.h5")
    assert not (tmp_path / "d.h5").exists()


def test_bad_jets_are_left_out_and_counted(tmp_path):
    t = makers.truth(n=20)
    p4 = t.padded(40)
    p4[3] *= 1e6  # MeV, and more than any jet
    p4[7, 0, 0] = np.nan
    np.save(tmp_path / "a.npy", p4)
    with pytest.raises(JetFileError):
        convert([str(tmp_path / "a.npy")], tmp_path / "b.h5")
    wanted = Wanted(columns=("px", "py", "pz", "E"))
    with pytest.raises(JetFileError):
        convert([str(tmp_path / "a.npy")], tmp_path / "b.h5", wanted)
    assert not list(tmp_path.glob("b*"))
    done = convert([str(tmp_path / "a.npy")], tmp_path / "b.h5", wanted, skip_bad=True)
    assert done.counts == {"a": 18}
    assert len(done.left_out) == 2
    assert "outside 1e-06 to 50000" in done.left_out[0].reason
    assert "NaN" in done.left_out[1].reason


def test_our_own_file_and_vectors(tmp_path):
    jets = Jets(np.full((3, 2, 3), 0.1, np.float32), np.array([0, 1, 1]), ("a", "b"), truth={"x": np.arange(3.0)})
    save(tmp_path / "a.h5", jets)
    convert([str(tmp_path / "a.h5")], tmp_path / "b.h5")
    found = load(tmp_path / "b.h5")
    same(found, jets)
    np.testing.assert_array_equal(found.truth["x"], jets.truth["x"])
    with pytest.raises(JetFileError, match=r"vectors.*npy"):
        convert(["toy:circle(n=20)"], tmp_path / "c.h5")


def test_inspection(tmp_path):
    t = makers.truth(n=50)
    makers.jetclass_root(tmp_path / "a.root", t)
    found = inspect(tmp_path / "a.root", limit=5)
    assert found.format == "jetclass"
    assert found.summary.jets == 50
    assert found.closure.median == pytest.approx(1, abs=1e-6)
    assert not any("add up" in line for line in found.warnings)
    edges, counts = found.histograms["constituents"]
    assert sum(counts) >= 48
    assert len(edges) == len(counts) + 1
    lost = [
        1 - np.sort(np.hypot(*t.of(i)[:, :2].T))[::-1][:5].sum() / np.hypot(*t.of(i)[:, :2].T).sum() for i in range(50)
    ]
    assert found.summary.beyond == pytest.approx(np.mean(lost), rel=1e-5)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["constituents"] = np.full((3, 2, 3), 0.1, np.float32)
    assert inspect(tmp_path / "b.h5").format == "jetvae"


def test_particles_that_do_not_add_up(tmp_path):
    t = makers.truth(n=50)
    makers.nano_v15(tmp_path / "a.root", t._replace(p4=t.p4 * 0.5))
    t_of = inspect(tmp_path / "a.root")
    assert t_of.closure.median == pytest.approx(1, abs=1e-5)  # the maker states what it wrote
    makers.jetnet(tmp_path / "b.h5", t)
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["particle_features"][...] = file["particle_features"][...] * [1, 1, 0.5, 1]
    assert any("add up to 0.5" in line for line in inspect(tmp_path / "b.h5").warnings)


def test_nothing_that_is_said_of_a_file_is_ignored(tmp_path):
    makers.jetclass_root(tmp_path / "a.root", makers.truth())
    with pytest.raises(JetFileError, match=r"a\.root: --radius: no use for it in jetclass"):
        jets_in(tmp_path / "a.root", Wanted(radius=0.4))
    save(tmp_path / "b.h5", load(tmp_path / "a.root"))
    for read in (inspect, lambda path, wanted: convert([str(path)], tmp_path / "c.h5", wanted)):
        with pytest.raises(JetFileError, match="--columns"):
            read(tmp_path / "b.h5", Wanted(columns=("pt", "eta", "phi")))


def test_inspecting_several_files(tmp_path, capsys):
    for name in ("a.h5", "b.h5"):
        makers.top_reference(tmp_path / name, makers.truth(n=5))
    assert main(["inspect", f"{tmp_path}/*.h5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["format"], one["summary"]["jets"]) for one in found] == [("top_reference", 5)] * 2
    assert main(["inspect", f"{tmp_path}/*.root"]) != 0
    assert "no file matches" in capsys.readouterr().err
