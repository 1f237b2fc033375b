"""Jets from a file and from memory pass the same checks: one right reading is taken, anything else refused."""

import numpy as np
import pytest
import torch

import jets
from jets.preprocess import pixelise, prepare

N = 40


@pytest.fixture(scope="module")
def w():
    return jets.load("sample:w")[:N]


def entered(constituents, way, tmp_path, label=None, classes=("w",)):
    """Return jets that came in from memory or from a file."""
    label = np.zeros(len(constituents), np.int64) if label is None else label
    if way == "memory":
        return jets.Jets(constituents, label, classes)
    import h5py

    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["constituents"], file["label"], file.attrs["classes"] = constituents, label, list(classes)
    return jets.load(tmp_path / "f.h5")


ways = pytest.mark.parametrize("way", ["memory", "file"])


@ways
def test_sound_jets_are_kept_as_they_are(w, way, tmp_path, capsys):
    same = entered(w.constituents, way, tmp_path)
    assert same.fingerprint == w.fingerprint
    assert capsys.readouterr().err == ""
    if way == "memory":
        assert same.constituents is w.constituents
        assert same.label.dtype == np.int64


def azimuth_moved(constituents, move):
    moved = constituents.copy()
    moved[..., 2] = np.where(moved[..., 0] > 0, move(moved[..., 2].astype(float)), 0)
    return moved


def wrap(phi):
    return (phi + np.pi) % (2 * np.pi) - np.pi


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relative_azimuths_in_0_2pi_are_those_about_zero(w, way, dtype, tmp_path, capsys):
    moved = azimuth_moved(w.constituents.astype(dtype), lambda phi: phi % (2 * np.pi))
    got = entered(moved, way, tmp_path)
    np.testing.assert_allclose(got.constituents, w.constituents, atol=1e-6)
    assert "wrapped about their hardest" in capsys.readouterr().err


@ways
@pytest.mark.parametrize("convention", ["0 to 2 pi", "-pi to pi"])
def test_absolute_positions_give_the_jets_about_their_axis(w, way, convention, tmp_path, capsys):
    """Any direction in the detector: positions then are the jet's about its pT-weighted centroid."""
    random = np.random.default_rng(0)
    axis = random.uniform(0, 2 * np.pi, (N, 1))
    turned = azimuth_moved(
        w.constituents, lambda phi: (phi + axis) % (2 * np.pi) if convention == "0 to 2 pi" else wrap(phi + axis)
    )
    turned[..., 1] += np.where(turned[..., 0] > 0, random.uniform(-2, 2, (N, 1)), 0)
    got = entered(turned, way, tmp_path)
    assert "positions are absolute" in capsys.readouterr().err
    expected = prepare(torch.as_tensor(w.constituents), ("centre",))
    torch.testing.assert_close(torch.as_tensor(got.constituents), expected, atol=2e-6, rtol=0)
    assert float(pixelise(torch.as_tensor(got.constituents)).sum((-1, -2)).min()) == pytest.approx(1, abs=1e-5)


@ways
@pytest.mark.parametrize("order", ["rising", "padding in front", "padding between", "shuffled"])
def test_constituents_are_sorted_and_padding_comes_last(w, way, order, tmp_path, capsys):
    c = w.constituents
    given = {
        "rising": lambda: c[:, ::-1],
        "padding in front": lambda: np.concatenate([np.zeros_like(c[:, :3]), c], 1),
        "padding between": lambda: np.stack([c, np.zeros_like(c)], 2).reshape(N, -1, 3),
        "shuffled": lambda: c[:, np.random.default_rng(0).permutation(50)],
    }[order]()
    got = entered(given, way, tmp_path).constituents
    np.testing.assert_array_equal(got[..., 0][:, :50], c[..., 0])
    assert not got[:, 50:].any()
    clear = (np.diff(c[..., 0], axis=1) < 0)[:, :10].all(1)  # without equal pT among the first, whose order is free
    np.testing.assert_array_equal(got[clear, :10], c[clear, :10])
    assert "sorted, empty ones last" in capsys.readouterr().err


def test_positions_of_padding_are_zero(w):
    junk = w.constituents.copy()
    junk[..., 1:][junk[..., 0] == 0] = np.nan
    assert jets.Jets(junk, w.label, w.classes).fingerprint == w.fingerprint


def changed(value, column=0, where=(5, 0)):
    def change(c):
        c = c.astype(np.float64)
        c[(*where, column)] = value
        return c

    return change


def event(c):
    """Overlay each jet with another one that recoils against it."""
    other = np.roll(c, 1, 0)
    other[..., 2] += np.where(other[..., 0] > 0, np.pi, 0)
    return np.concatenate([c, other], 1)


BAD = {
    "NaN pT": (changed(np.nan), "NaN"),
    "infinite eta": (changed(np.inf, 1), "NaN or inf"),
    "inf in float32": (changed(1e300), "NaN or inf in float32"),
    "negative pT": (changed(-50.0), "negative"),
    "no pT": (changed(0.0, 0, (5, slice(None))), "zero in sum"),
    "too little pT": (changed(1e-9, 0, (5, slice(None))), "outside 1e-06"),
    "denormal pT": (changed(1e-40, 0, (5, slice(None))), "outside 1e-06|zero in sum"),  # as the processor is set
    "MeV": (lambda c: c * np.array([1000, 1, 1], np.float32), "MeV"),
    "all 3e38": (lambda c: np.full_like(c, 3e38), "outside"),
    "far in eta": (changed(7.0, 1, (5, 3)), "more than 3 from the hardest"),
    "degrees": (lambda c: c * np.array([1, 1, 57.3], np.float32), "more than 3 from the hardest"),
    "whole events": (event, "not whole events"),
    "columns swapped": (lambda c: c[..., [2, 0, 1]], "negative"),
    "one off axis in a thousand": (
        lambda c: np.concatenate([*[c] * 20, c[:1] + np.where(c[:1, :, :1] > 0, [0, 2, 0], 0)]).astype("f4"),
        "from the jet axis",
    ),
    "complex": (lambda c: c + 1j, "complex"),
    "text": (lambda c: np.full(c.shape, "a", "S1"), "type"),
    "no jets": (lambda c: c[:0], "jets > 0"),
    "no constituents": (lambda c: c[:, :0], "(N, M, 3)|expected"),
    "four columns": (lambda c: np.concatenate([c, c[..., :1]], -1), "expected"),
}


@ways
@pytest.mark.parametrize("kind", BAD)
def test_what_no_jet_is_is_refused(w, way, kind, tmp_path):
    change, words = BAD[kind]
    with pytest.raises(jets.JetFileError, match=words) as caught:
        entered(change(w.constituents), way, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": np.full(N, -1)}, "got -1"),
        ({"label": np.full(N, 256)}, "got 256"),
        ({"label": np.full(N, 0.5)}, "got 0.5"),
        ({"label": np.full(N, np.nan)}, "got nan"),
        ({"label": np.full(N, "w")}, "whole number"),
        ({"label": np.zeros(N - 1, int)}, "got shape"),
        ({"label": 0}, "got shape"),
        ({"label": [[0], [0, 1]]}, "label is no array of numbers"),
        ({"label": np.ma.masked_equal(np.zeros(N), 0)}, "label is masked"),
        ({"classes": ()}, "classes is empty; give a name"),
        ({"classes": "w"}, r"expected a list of names, \('w',\)"),
        ({"classes": ("w", "w")}, "'w' twice"),
        ({"classes": (1,)}, "must be text"),
        ({"classes": ("",)}, "not empty"),
        ({"classes": 5}, "expected a list of names"),
        ({"jet": {"pt": np.ones(N + 1)}}, "'pt' has shape"),
        ({"subst": {"tau": np.full(N, "a")}}, "real numbers"),
        ({"truth": [np.ones(N)]}, "expected names and arrays"),
        ({"constituents": np.ma.masked_less(np.ones((N, 2, 3)), 0)}, "masked"),
        ({"constituents": [[1, 2], [3]]}, "no array of numbers"),
    ],
)
def test_fields_of_another_kind_are_refused(w, changes, words):
    fields = {"constituents": w.constituents, "label": w.label, "classes": w.classes} | changes
    with pytest.raises(jets.JetFileError, match=words):
        jets.Jets(**fields)


def test_numbers_of_other_types_are_converted(w):
    whole = jets.Jets([[[500, 0, 0], [20, 1, 0]]], [0.0], ["a"], jet={"pt": [520.0]}, sources="mine.h5")
    assert (whole.constituents.dtype, whole.label.dtype, whole.jet["pt"].dtype) == (np.float32, np.int64, np.float32)
    assert (whole.classes, whole.sources) == (("a",), ("mine.h5",))
    swapped = jets.Jets(w.constituents.astype(">f4"), w.label.astype("u1"), np.array([b"w"]))
    assert swapped.fingerprint == w.fingerprint


def test_choosing_jets(w):
    one = w[3]
    assert (len(one), one.are_vectors) == (1, False)
    np.testing.assert_array_equal(one.constituents[0], w.constituents[3])
    assert one.truth.keys() == w.truth.keys()
    assert w[-1].fingerprint == w[N - 1].fingerprint == w[[N - 1]].fingerprint
    assert len(w[[]]) == 0
    assert len(w[w.label == 0]) == N
    for wrong in (N, -N - 1, [0, N], np.ones(N - 1, bool), [True], 1.5, "w", [[0, 1]], None):
        with pytest.raises(IndexError):
            _ = w[wrong]


def test_more_than_256_classes_survive_the_file(tmp_path):
    classes = tuple(f"class {i}" for i in range(300))
    constituents = np.tile(np.array([[[500.0, 0.0, 0.0]]], np.float32), (300, 1, 1))
    many = jets.Jets(constituents, np.arange(300), classes)
    again = jets.load(jets.save(tmp_path / "many.h5", many))
    assert again.fingerprint == many.fingerprint


@ways
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_infinite_observables_are_missing_ones(w, way, tmp_path, capsys, value):
    """As tau3 / 0 leaves them; 1e300 is infinite in float32. Said once, kept as NaN, also after a second load."""
    tau = np.arange(N, dtype=np.float64)
    tau[[2, 5]] = value
    if way == "file":
        import h5py

        with h5py.File(tmp_path / "f.h5", "w") as file:
            file["constituents"], file["label"], file.attrs["classes"] = w.constituents, w.label, ["w"]
            file["subst"] = tau[:, None]
            file["subst"].attrs["columns"] = ["tau32"]
        given = jets.load(tmp_path / "f.h5")
    else:
        given = jets.Jets(w.constituents, w.label, w.classes, subst={"tau32": tau, "fine": np.arange(N)})
    assert capsys.readouterr().err.count("'tau32': 2 infinite in float32, taken as missing (NaN)\n") == 1
    assert np.flatnonzero(np.isnan(given.subst["tau32"])).tolist() == [2, 5]
    assert np.isfinite(given.subst["tau32"]).sum() == N - 2
    jets.save(tmp_path / "again.h5", given)
    np.testing.assert_array_equal(jets.load(tmp_path / "again.h5").subst["tau32"], given.subst["tau32"])
    assert capsys.readouterr().err == ""
    assert given.fingerprint == w.fingerprint
