"""Files of jets: what is written is read back, and bad files are refused with one clear line."""

import h5py
import numpy as np
import pytest

import jets


def make(path, **changes):
    """Write a small valid file, with datasets replaced or (None) removed."""
    constituents = np.zeros((4, 3, 3), np.float32)
    constituents[:, 0, 0] = 500.0
    content = {"constituents": constituents, "label": np.array([0, 0, 1, 1], np.uint8)} | changes
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            if values is not None:
                file[name] = values
    return path


def nan():
    values = np.ones((4, 3, 3), np.float32)
    values[2, 1, 1] = np.nan
    return values


def test_round_trip(tmp_path, sample):
    path = jets.save(tmp_path / "jets.h5", sample)
    again = jets.load(path)
    assert again.fingerprint == sample.fingerprint
    assert again.counts == {"qcd": 600, "top": 600}
    np.testing.assert_array_equal(again.subst["tau1"], sample.subst["tau1"])
    with h5py.File(path) as file:
        assert list(file["constituents"].attrs["columns"]) == ["pt", "eta_rel", "phi_rel"]
        assert file["constituents"].attrs["units"] == "GeV, 1, rad"
    assert [p.name for p in tmp_path.iterdir()] == ["jets.h5"]


def test_everything_is_found_though_nothing_is_imported_yet():
    assert set(jets.__all__) <= set(dir(jets))
    assert all(getattr(jets, name) for name in jets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'jet'"):
        _ = jets.jet


def test_embedded_sample():
    sample = jets.load("sample:qcd", "sample:top", "sample:w")
    assert sample.counts == {"qcd": 10000, "top": 10000, "w": 5000}
    assert sample.constituents.shape[1:] == (50, 3)
    pt = sample.constituents[..., 0]
    assert (np.diff(pt, axis=1) <= 0).all()
    # mass of massless constituents: m^2 = 2 sum_ij pT_i pT_j (cosh deta - cos dphi), peak of tops at the top mass
    eta, phi = sample.constituents[..., 1], sample.constituents[..., 2]
    px, py = (pt * np.cos(phi)).sum(1), (pt * np.sin(phi)).sum(1)
    pz, energy = (pt * np.sinh(eta)).sum(1), (pt * np.cosh(eta)).sum(1)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    median = {name: np.median(mass[sample.label == i]) for i, name in enumerate(sample.classes)}
    assert 160 < median["top"] < 178
    assert 76 < median["w"] < 86
    assert 55 < median["qcd"] < 75


def test_classes(tmp_path):
    path = make(tmp_path / "two.h5")
    assert jets.load(path).counts == {"qcd": 2, "top": 2}
    assert jets.load(f"{path}:top").counts == {"top": 2}
    assert jets.load("sample:w:signal").counts == {"signal": 5000}
    bare = make(tmp_path / "mine.h5", label=None)
    assert jets.load(bare).classes == ("mine",)
    assert jets.load(f"{bare}:background").classes == ("background",)


@pytest.mark.parametrize(
    ("changes", "source", "words"),
    [
        (None, "{}/absent.h5", ["absent.h5", "no such file"]),
        (None, "sample:higgs", ["sample:higgs", "sample:qcd"]),
        ({}, "{}:higgs", ["unknown class 'higgs'", "qcd, top"]),
        ({"constituents": None}, "{}", ["no dataset 'constituents'", "docs/data.md"]),
        ({"constituents": np.ones((4, 9))}, "{}", ["shape (4, 9)", "(jets, constituents, 3)"]),
        ({"constituents": nan()}, "{}", ["NaN", "jet 2", "drop them"]),
        ({"constituents": -np.ones((4, 3, 3))}, "{}", ["pT", "negative"]),
        ({"label": np.array([0, 9, 0, 0], np.uint8)}, "{}", ["label", "0..2"]),
        ({"jet": np.ones((3, 2))}, "{}", ["jet has shape (3, 2)"]),
    ],
)
def test_refusals(tmp_path, changes, source, words):
    path = tmp_path / "bad.h5" if changes is not None else tmp_path
    if changes is not None:
        make(path, **changes)
    with pytest.raises(jets.JetFileError) as caught:
        jets.load(source.format(path))
    assert all(word in str(caught.value) for word in words)


def test_other_format(tmp_path):
    path = tmp_path / "jets.csv"
    path.write_text("pt,eta,phi\n1,2,3\n")
    with pytest.raises(jets.JetFileError, match="not a readable HDF5 file"):
        jets.load(path)


def test_longer_constituents_and_missing_columns():
    short, long = jets.load("sample:w")[:2], jets.load("sample:top")[:3]
    joined = jets.concatenate([short, long])
    assert joined.counts == {"w": 2, "top": 3}
    assert np.isnan(joined.truth["top_pt"][:2]).all()
    assert np.isfinite(joined.truth["top_pt"][2:]).all()
