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
        (None, "sample:qcd:", ["no class after the colon"]),
        (None, "{}", ["a folder without files"]),
        (None, "a\nb.h5", ["a b.h5", "no such file"]),
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
    with pytest.raises(jets.JetFileError, match="which jet they are of"):
        jets.load(path)


def test_longer_constituents_and_missing_columns():
    short, long = jets.load("sample:w")[:2], jets.load("sample:top")[:3]
    joined = jets.concatenate([short, long])
    assert joined.counts == {"w": 2, "top": 3}
    assert np.isnan(joined.truth["top_pt"][:2]).all()
    assert np.isfinite(joined.truth["top_pt"][2:]).all()


def written(path, fill):
    with h5py.File(path, "w") as file:
        fill(file)
    return path


SOUND = np.tile(np.array([[500.0, 0.1, 0.0], [20.0, 0.0, 0.1]], np.float32), (4, 1, 1))


def beside(name, values):
    """Write sound constituents and a dataset beside them."""

    def fill(file):
        file["constituents"], file[name] = SOUND, values

    return fill


def with_columns(columns, **attributes):
    def fill(file):
        file["constituents"], file["label"] = SOUND, np.array([0, 1, 0, 1], np.uint8)
        file["jet"] = np.ones((4, 2), np.float32)
        file["jet"].attrs["columns"] = columns
        file.attrs.update(attributes)

    return fill


def scaled(scale):
    def fill(file):
        file["constituents"] = SOUND.astype("i2")
        file["constituents"].attrs["scale"] = scale

    return fill


def external(file):
    file["constituents"] = h5py.ExternalLink("/etc/passwd", "/constituents")


def raw(file):
    file.create_dataset("constituents", (1, 2, 3), np.float32, external=[("/etc/passwd", 0, 24)])


def virtual(file):
    layout = h5py.VirtualLayout((1, 2, 3), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "constituents", (1, 2, 3))
    file.create_virtual_dataset("constituents", layout)


ODD = {
    "constituents a group": lambda f: f.create_group("constituents"),
    "constituents of strings": lambda f: f.create_dataset("constituents", data=np.full((2, 2, 3), b"a")),
    "constituents of text": lambda f: f.create_dataset("constituents", (2, 2, 3), h5py.string_dtype()),
    "constituents compound": lambda f: f.create_dataset("constituents", (2, 2, 3), [("a", "f4"), ("b", "i4")]),
    "constituents complex": lambda f: f.create_dataset("constituents", data=SOUND + 1j),
    "constituents scalar": lambda f: f.create_dataset("constituents", data=1.0),
    "constituents null": lambda f: f.create_dataset("constituents", data=h5py.Empty("f4")),
    "constituents never written": lambda f: f.create_dataset("constituents", (10**9, 50, 3), "f4", chunks=(9, 50, 3)),
    "constituents a type": lambda f: f.__setitem__("constituents", np.dtype("f4")),
    "constituents a loop": lambda f: f.__setitem__("constituents", h5py.SoftLink("/constituents")),
    "constituents in another file": external,
    "constituents raw": raw,
    "constituents virtual": virtual,
    "scale of length 2": scaled([0.1, 0.1]),
    "scale of text": scaled("a"),
    "scale NaN": scaled([np.nan, 1, 1]),
    "label strings": beside("label", np.array([b"qcd", b"top", b"qcd", b"top"])),
    "label scalar": beside("label", 1),
    "label 0.5": beside("label", np.array([0.5, 0.5, 1.5, 1.5])),
    "label NaN": beside("label", np.full(4, np.nan)),
    "label two columns": beside("label", np.zeros((4, 2), int)),
    "label a dead link": beside("label", h5py.SoftLink("/no")),
    "label a group": lambda f: (beside("constituents2", 1)(f), f.create_group("label")),
    "jet a dead link": beside("jet", h5py.SoftLink("/no")),
    "jet of strings": beside("jet", np.full((4, 2), b"a")),
    "columns twice": with_columns(["pt", "pt"]),
    "columns one string": with_columns("pt"),
    "columns too few": with_columns(["pt"]),
    "columns numbers": with_columns([1, 2]),
    "classes twice": with_columns(["pt", "mass"], classes=["qcd", "qcd"]),
    "classes one string": with_columns(["pt", "mass"], classes="qcd"),
    "classes a number": with_columns(["pt", "mass"], classes=5),
    "classes too few": with_columns(["pt", "mass"], classes=["qcd"]),
    "classes no text": with_columns(["pt", "mass"], classes=np.array([b"\xff\xfe", b"top"])),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_files_are_one_line(tmp_path, kind):
    path = written(tmp_path / "odd.h5", ODD[kind])
    with pytest.raises(jets.JetFileError, match=r"odd\.h5") as caught:
        jets.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [lambda names: np.array(names, "S"), lambda names: names])
def test_names_in_bytes_or_text(tmp_path, text):
    path = written(tmp_path / "f.h5", with_columns(text(["pt", "tau2/tau1"]), classes=text(["qcd", "top"])))
    found = jets.load(path)
    assert found.classes == ("qcd", "top")
    assert list(found.jet) == ["pt", "tau2_over_tau1"]
    assert jets.load(f"{path}:top").counts == {"top": 2}
    with pytest.raises(jets.JetFileError, match="no class after the colon"):
        jets.load(f"{path}:")


def test_whole_labels_in_floating_point_are_labels(tmp_path):
    found = jets.load(written(tmp_path / "f.h5", beside("label", np.array([0.0, 2.0, 2.0, 0.0]))))
    assert found.counts == {"qcd": 2, "w": 2}


def test_a_file_cut_anywhere_is_one_line(tmp_path, sample):
    content = jets.save(tmp_path / "f.h5", sample[:20]).read_bytes()
    for length in np.linspace(0, len(content) - 1, 40, dtype=int):
        (tmp_path / "cut.h5").write_bytes(content[:length])
        with pytest.raises(jets.JetFileError, match=r"cut\.h5"):
            jets.load(tmp_path / "cut.h5")


def test_steps_beyond_float32_are_refused(tmp_path):
    path = make(tmp_path / "f.h5")
    with h5py.File(path, "a") as file:
        file["constituents"].attrs["scale"] = [1e300, 1, 1]
    with pytest.raises(jets.JetFileError, match="NaN or inf in float32"):
        jets.load(path)
