"""Jets some at a time: what they join to, which rows they are, and how much memory they take."""

import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

import jets
from jets import JetFileError, Jets
from jets.formats import Wanted
from tests.jets.formats import makers


def same(found, expected):
    assert found.fingerprint == expected.fingerprint
    assert found.classes == expected.classes
    for group in ("jet", "subst", "truth"):
        ours, theirs = getattr(found, group), getattr(expected, group)
        assert set(ours) == set(theirs)
        for name, values in theirs.items():
            np.testing.assert_array_equal(ours[name], values, name)


def joined(source, **options):
    """All jets of the pieces, whose rows and columns must fit."""
    found, start = [], 0
    for piece in jets.pieces(source, **options):
        assert piece.start == start
        assert 0 < piece.count <= options.get("size", piece.count)
        assert all(len(values) == piece.count for values in piece.columns.values())
        start += piece.count
        if piece.jets is not None:
            found.append(piece.jets)
            assert (np.diff(piece.rows) > 0).all()
            assert piece.columns["class"][piece.rows].tolist() == [piece.jets.classes[i] for i in piece.jets.label]
            for name, values in piece.jets.jet.items():
                np.testing.assert_array_equal(piece.columns[name][piece.rows].astype(np.float32), values)
    return jets.concatenate(found), start


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (makers.top_reference, "a.h5"),
        (makers.jetclass_parquet, "a.parquet"),
        (makers.jetclass_root, "a.root"),
        (makers.pfnano, "a.root"),
        (makers.hepmc, "a.hepmc"),
        (makers.energyflow, "a.npz"),
        (makers.weaver, "a_vectors.npy"),
    ],
)
def test_pieces_join_to_what_load_reads(make, name, tmp_path):
    t = makers.truth(n=24)
    make(tmp_path / name, t)
    for size in (5, 1, 1000):
        found, count = joined(str(tmp_path / name), size=size)
        assert count == 24
        same(found, jets.load(tmp_path / name))


@pytest.mark.parametrize("source", ["sample:w", "sample:top:t", "toy:torus(n=500)"])
def test_samples_and_toys(source):
    found, _ = joined(source, size=300)
    same(found, jets.load(source))


def test_a_class_of_a_file(tmp_path):
    some = jets.concatenate([jets.load("sample:qcd")[:40], jets.load("sample:top")[:7]])
    mixed = some[np.random.default_rng(0).permutation(47)].with_(weights=np.linspace(-1, 2, 47), events=np.arange(47))
    jets.save(tmp_path / "a.h5", mixed)
    for source in ("a.h5", "a.h5:top", "a.h5:qcd"):
        found, count = joined(f"{tmp_path}/{source}", size=10)
        same(found, jets.load(f"{tmp_path}/{source}"))
        assert count == len(found)
    assert [piece.columns["event_number"].tolist() for piece in jets.pieces(f"{tmp_path}/a.h5:top")] == [
        np.flatnonzero(mixed.label == 1).tolist()
    ]
    with pytest.raises(JetFileError, match="unknown class 'w'"):
        next(jets.pieces(f"{tmp_path}/a.h5:w"))
    makers.top_reference(tmp_path / "b.h5", makers.truth(n=30))
    found, count = joined(f"{tmp_path}/b.h5:top", size=4)
    same(found, jets.load(f"{tmp_path}/b.h5:top"))
    assert found.classes == ("top",)
    assert count == len(found)


def test_rows_of_files_with_jets_without_particles(tmp_path):
    """The file's own columns are those of all jets; what is not known of an empty one is NaN."""
    t = makers.truth(n=20)
    empty = np.isin(np.arange(20), [0, 7, 8, 9, 19])
    p4 = t.padded(200) * ~empty[:, None, None]
    makers.top_reference(tmp_path / "a.h5", t._replace(counts=np.full(20, 200), p4=p4.reshape(-1, 4)))
    found = list(jets.pieces(tmp_path / "a.h5", size=3))
    rows = np.concatenate([piece.start + piece.rows for piece in found])
    np.testing.assert_array_equal(rows, np.flatnonzero(~empty))
    label = np.concatenate([piece.columns["class"] for piece in found])
    np.testing.assert_array_equal(label, np.array(["qcd", "top"])[t.label])
    assert next(piece for piece in found if piece.start == 6).rows.tolist() == [0]
    none = [piece for piece in jets.pieces(tmp_path / "a.h5", size=1) if piece.jets is None]
    assert [piece.start for piece in none] == np.flatnonzero(empty).tolist()
    pt = np.concatenate([piece.columns["pt"] for piece in found if "pt" in piece.columns])
    np.testing.assert_allclose(pt[~empty], np.hypot(*t.sums[~empty, :2].T), rtol=1e-5)
    assert np.isnan(pt[empty]).all()


def test_a_row_an_event_also_where_it_has_no_jet(tmp_path):
    t = makers.truth(n=6, massive=False)
    makers.lhc_olympics(tmp_path / "a.h5", t)
    frame = pd.read_hdf(tmp_path / "a.h5", "df")
    frame.iloc[[0, 3], :2100] = 0
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", format="fixed")
    (piece,) = jets.pieces(tmp_path / "a.h5")
    assert piece.count == 6
    assert piece.rows.tolist() == [1, 2, 4, 5]
    assert piece.columns["event_number"].tolist() == list(range(6))
    assert piece.columns["class"].tolist() == np.array(["background", "signal"])[t.label].tolist()
    np.testing.assert_allclose(piece.columns["pt"][piece.rows], np.hypot(*t.sums[piece.rows, :2].T), rtol=1e-5)


def test_bad_jets_are_rows_without_description(tmp_path):
    t = makers.truth(n=20)
    p4 = t.padded(40)
    p4[3], p4[7, 0, 0], p4[12] = p4[3] * 1e6, np.nan, 0
    np.save(tmp_path / "a.npy", p4)
    wanted = Wanted(columns=("px", "py", "pz", "E"))
    with pytest.raises(JetFileError, match="NaN"):
        list(jets.pieces(tmp_path / "a.npy", wanted=wanted, size=8))
    found = list(jets.pieces(tmp_path / "a.npy", wanted=wanted, size=8, skip_bad=True))
    rows = np.concatenate([piece.start + piece.rows for piece in found])
    assert rows.tolist() == [i for i in range(20) if i not in (3, 7, 12)]
    assert [row for piece in found for row, _ in piece.left] == [3, 7]
    ours = jets.load("sample:w")[:9]
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["constituents"] = np.where(np.arange(9)[:, None, None] == 4, np.nan, ours.constituents)
    with pytest.raises(JetFileError, match="NaN"):
        list(jets.pieces(tmp_path / "b.h5"))
    (piece,) = jets.pieces(tmp_path / "b.h5", skip_bad=True)
    assert piece.rows.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    np.testing.assert_array_equal(piece.jets.constituents, ours.constituents[piece.rows])


@pytest.mark.parametrize("first", [0, 4])
def test_absolute_positions_are_decided_by_the_file(tmp_path, first):
    """As in reading the whole; jets that were taken for relative before the first absolute one are not let pass."""
    constituents = jets.load("sample:w").constituents[:40].copy()
    constituents[first:, :, 1] += np.where(constituents[first:, :, 0] > 0, 2.0, 0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["constituents"] = constituents
    if first:
        with pytest.raises(JetFileError, match="absolute in some jets"):
            list(jets.pieces(tmp_path / "a.h5", size=4))
    else:
        found, _ = joined(str(tmp_path / "a.h5"), size=4)
        same(found, jets.load(tmp_path / "a.h5"))
    constituents[1:, :, 1] = 0
    constituents = np.concatenate([constituents] * 5)
    constituents[1:, :, 1] = 0
    constituents[0, :, 1] = 2.0 * (constituents[0, :, 0] > 0)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["constituents"] = constituents
    for read in (jets.load, lambda path: list(jets.pieces(path, size=1))):
        with pytest.raises(JetFileError, match=r"1 jets.*more than 1.5 rad"):
            read(tmp_path / "b.h5")


def test_weights_that_cancel_in_a_piece(tmp_path):
    """Weights of +1 and -1 cancel in some pieces of a sample with a sound sum; a whole file that cancels is refused."""
    t = makers.truth(n=40)
    t = t._replace(weight=np.tile([1.0, 1.0, -1.0, -1.0, 1.0], 8))
    makers.hepmc(tmp_path / "a.hepmc", t)
    found, _ = joined(str(tmp_path / "a.hepmc"), size=4)
    assert found.weights.sum() == pytest.approx(8)
    same(found, jets.load(tmp_path / "a.hepmc"))
    makers.hepmc(tmp_path / "b.hepmc", t._replace(weight=np.tile([1.0, -1.0], 20)))
    with pytest.raises(JetFileError, match="no mean"):
        jets.load(tmp_path / "b.hepmc")


def test_globs_and_folders(tmp_path):
    t = makers.truth(n=10)
    (tmp_path / "in").mkdir()
    for name in ("b.h5", "a.h5"):
        makers.top_reference(tmp_path / "in" / name, t)
    for source in (f"{tmp_path}/in/*.h5", str(tmp_path / "in")):
        assert [piece.source[-4:] for piece in jets.pieces(source)] == ["a.h5", "b.h5"]
        assert len(jets.load(source)) == 20
    assert jets.load(f"{tmp_path}/i?/*.h5:top").counts == {"top": 2 * int(t.label.sum())}
    with pytest.raises(JetFileError, match=r"\*\.root: no file matches"):
        jets.load(f"{tmp_path}/in/*.root")
    odd = tmp_path / "in" / "c[1].npy"
    makers.array_energy_first(odd, t)
    assert len(jets.load(odd)) == 10


def test_what_the_user_says(tmp_path):
    t = makers.truth(n=6, massive=False)
    makers.array_energy_first(tmp_path / "a.npy", t)
    found = jets.load(tmp_path / "a.npy", columns="E,px,py,pz", labels=["w"])
    assert found.counts == {"w": 6}
    with pytest.raises(JetFileError, match="--radius: no use"):
        jets.load("sample:w", radius=0.4)
    with pytest.raises(JetFileError, match="--radius: no use"):
        jets.load("toy:circle(n=20)", radius=0.4)


SCRIPT = """
import re, sys
from pathlib import Path
import jets
for piece in jets.pieces(sys.argv[1], size=1000):
    last = piece.jets
# not getrusage: its maximum is inherited from the process that starts this one
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    """A file of 180 MB of constituents takes less than 60 MB more than one of a tenth of it."""
    peaks = []
    sample = jets.load("sample:w").constituents
    for blocks in (1, 10):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            data = file.create_dataset(
                "constituents", (blocks * 5000, 300, 3), "f4", chunks=(500, 50, 3), compression="lzf"
            )
            for i in range(blocks):
                data[5000 * i : 5000 * (i + 1), :50] = sample
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "a.h5")], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout.split()[0]))
    assert peaks[1] < peaks[0] + 60


def test_pieces_of_nothing():
    with pytest.raises(JetFileError, match="size is 0"):
        next(jets.pieces("sample:w", size=0))


def test_pieces_of_unlike_files(tmp_path):
    one = Jets(np.full((3, 2, 3), 0.1, np.float32), np.zeros(3, np.int64), ("a",), truth={"pt": np.arange(3.0)})
    jets.save(tmp_path / "a.h5", one)
    found = list(jets.pieces(tmp_path / "a.h5", "sample:w:b", size=10**6))
    assert [(piece.start, piece.count) for piece in found] == [(0, 3), (0, 5000)]
    assert found[0].columns["pt"].tolist() == [0, 1, 2]
    assert set(found[1].columns["class"]) == {"b"}
