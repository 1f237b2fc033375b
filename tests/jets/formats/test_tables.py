"""General layouts: columns of lists, text tables, lists that begin with the jet; and what is refused, in words."""

import gzip

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot

import jets
from jets import JetFileError, load
from jets.formats import Wanted, format_of, jets_in, table
from jets.inspection import inspect
from tests.jets.formats import makers, tables
from tests.jets.formats.test_formats import SHARED, four_momenta, transverse

MADE = {  # maker: file, format; whether it has labels, weights and events
    tables.mod: ("a.h5", "mod", False, True),
    tables.old_pfnano: ("a.root", "old_pfnano", False, True),
    tables.list_columns: ("a.parquet", "lists", True, True),
    tables.awkward_records: ("a.parquet", "lists", True, True),
    tables.nested_lists: ("a.parquet", "lists", True, True),
    tables.root_lists: ("a.root", "lists", True, True),
    tables.long_csv: ("a.csv", "table", True, True),
    tables.long_parquet: ("a.parquet", "table", True, True),
    tables.semicolons: ("a.txt.gz", "table", True, True),
    tables.wide_csv: ("a.csv", "table", True, True),
    tables.bare_csv: ("a.csv", "table", False, False),
    tables.bare_text: ("a.txt", "table", False, False),
    tables.jet_in_front: ("a.npy", "arrays", False, False),
}


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_files_that_others_wrote(make, tmp_path):
    name, expected, labelled, weighted = MADE[make]
    t = makers.truth(n=24)
    make(tmp_path / name, t)
    assert format_of(tmp_path / name)[0] == expected
    found = load(tmp_path / name)
    size = np.abs(t.sums[:, 3:])
    assert (np.abs(four_momenta(found) - t.sums) < 2e-5 * size).all()
    assert (np.abs(transverse(found) - t.sums[:, :2]) < 2e-5 * size).all()
    np.testing.assert_array_equal(found.jet["n_constituents"], t.counts)
    if labelled:
        assert found.classes == ("class_0", "class_1")
        np.testing.assert_array_equal(found.label, t.label)
    else:
        assert found.classes == (name.split(".")[0],)
    if weighted:
        of_event = np.arange(24) // 2 * 2 if expected == "old_pfnano" else np.arange(24)
        np.testing.assert_allclose(found.weights, t.weight[of_event])
        np.testing.assert_array_equal(found.events, t.event[of_event])


@pytest.mark.parametrize("make", [tables.long_csv, tables.wide_csv, tables.awkward_records, tables.list_columns])
def test_own_columns_and_rows(make, tmp_path, monkeypatch):
    """Text is no observable, but a column of the user's own; a jet cut by a block of rows is one jet."""
    monkeypatch.setattr(table, "ROWS", 57)
    t = makers.truth(n=24)
    path = tmp_path / ("a.csv" if "csv" in make.__name__ else "a.parquet")
    make(path, t)
    found = list(jets.pieces(path, size=5))
    assert sum(piece.count for piece in found) == 24
    np.testing.assert_array_equal(np.concatenate([p.columns["sample"] for p in found]), [f"s{i}" for i in t.label])
    np.testing.assert_array_equal(np.concatenate([p.columns["event_number"] for p in found]), t.event)
    assert jets.concatenate([p.jets for p in found]).fingerprint == load(path).fingerprint


def test_classes_by_name(tmp_path):
    t = makers.truth(n=10)
    frame = tables.long_frame(t)
    frame["label"] = np.where(frame["label"] == 1, "top", "qcd")
    frame.to_csv(tmp_path / "a.csv", index=False)
    found = load(f"{tmp_path}/a.csv")
    assert [found.classes[i] for i in found.label] == np.array(["qcd", "top"])[t.label].tolist()
    assert load(f"{tmp_path}/a.csv:top").counts == {"top": int(t.label.sum())}


def test_what_is_missing(tmp_path):
    """A missing weight is no number, a missing list an empty one; a missing label is said."""
    lists = {"pt": [[1.0, 2.0], None, []], "eta": [[0.0, 0.1], None, []], "phi": [[0.0, 0.1], None, []]}
    pd.DataFrame(lists).to_parquet(tmp_path / "a.parquet")
    (piece,) = jets.pieces(tmp_path / "a.parquet")
    assert (piece.count, piece.rows.tolist()) == (3, [0])
    lists = {"pt": [[1.0, 2.0], [3.0]], "eta": [[0.0, 0.1], [0.0]], "phi": [[0.0, 0.1], [0.0]], "weight": [1.0, None]}
    pd.DataFrame(lists).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(JetFileError, match=r"weights of 1 jets \(first: jet 1\)"):
        load(tmp_path / "b.parquet")
    (piece,) = jets.pieces(tmp_path / "b.parquet", skip_bad=True)
    assert piece.rows.tolist() == [0]
    assert np.isnan(piece.columns["weight"][1])
    (tmp_path / "c.csv").write_text("jet,pt,eta,phi,label\n0,1,0,0,\n1,1,0,0,1\n")
    with pytest.raises(JetFileError, match=r"label of 1 jets \(first: jet 0\) is missing"):
        load(tmp_path / "c.csv")


def test_generated_particles_of_mod(tmp_path):
    t = makers.truth()
    tables.mod(tmp_path / "a.h5", t, simulated=True)
    found = load(tmp_path / "a.h5", collection="gens")
    assert (np.abs(four_momenta(found) - 2 * t.sums) < 4e-5 * t.sums[:, 3:]).all()
    assert inspect(tmp_path / "a.h5", Wanted(collection="gens")).closure.median == pytest.approx(1, abs=1e-6)
    with pytest.raises(JetFileError, match="it has pfcs, gens"):
        load(tmp_path / "a.h5", collection="tracks")


def test_copied_candidates_count_with_their_weight(tmp_path):
    t = makers.truth(n=20)
    tables.old_pfnano(tmp_path / "a.root", t)
    assert inspect(tmp_path / "a.root").closure.median == pytest.approx(1, abs=1e-5)
    tables.old_pfnano(tmp_path / "b.root", t, jets="Jet")
    with pytest.raises(JetFileError, match="a third has none"):
        load(tmp_path / "b.root")
    with pytest.raises(JetFileError, match="a third has none"):
        load(tmp_path / "a.root", collection="Jet")


def test_a_jet_in_front_is_said_and_must_be_in_all(tmp_path):
    t = makers.truth(n=20)
    tables.jet_in_front(tmp_path / "a.npy", t)
    assert any("the first of each list is the jet" in line for line in inspect(tmp_path / "a.npy").assumed)
    makers.array_energy_last(tmp_path / "b.npz", t)
    assert not any("the first" in line for line in inspect(tmp_path / "b.npz").assumed)


def test_one_jet_of_three_columns(tmp_path):
    """Shares of pT and two angles, no header: a single jet, when the columns are named."""
    pt, eta, phi = np.array([0.5, 0.3, 0.2]), np.array([0.1, -0.2, 0.0]), np.array([3.1, -3.1, 3.0])
    np.savetxt(tmp_path / "a.csv", np.stack([pt, eta, phi], 1), delimiter=",")
    found = jets_in(tmp_path / "a.csv", Wanted(columns=("pt", "eta", "phi")))
    assert len(found) == 1
    np.testing.assert_allclose(found.constituents[0, :, 0], pt, rtol=1e-6)
    assert np.ptp(found.constituents[0, :, 2]) < 0.5


def write_bad(folder, name, what):
    path = folder / name
    if isinstance(what, str):
        path.write_bytes(gzip.compress(what.encode()) if name.endswith("gz") else what.encode())
    elif isinstance(what, np.ndarray):
        np.save(path, what)
    elif isinstance(what, pd.DataFrame):
        what.to_parquet(path) if name.endswith("parquet") else what.to_hdf(path, key="df")
    elif name.endswith("root"):
        with uproot.recreate(path) as file:
            for tree, columns in what.items():
                file[tree] = columns
    else:
        with h5py.File(path, "w") as file:
            for key, values in what.items():
                file[key] = values
    return path


FEATURES = pd.DataFrame({"mj1": [100.0, 80.0], "tau1j1": [0.1, 0.2], "pt": [500.0, 400.0]})
REFUSED = [
    ("a.lhe", '<LesHouchesEvents version="3.0">\n', "LHE: partons.*HepMC"),
    ("a.json", '[{"kt": 1.0, "Delta": 0.2}]', "Lund planes in JSON"),
    ("a.json.gz", '{"jets": []}', "JSON.*parquet"),
    ("a.csv", "pt,eta,phi\n1,2,3\n", "which jet they are of"),
    ("a.csv", "mj1,tau21\n1,2\n", "no file of jets|features|not a readable"),
    ("a.csv", "mj1,tau21,pt\n1,2,3\n", r"features \(mj1, tau21, pt\)"),
    ("a.csv", "jet,pt,eta,phi\n0,1,0,0\n1,1,0,0\n0,1,0,0\n", "sort the rows by jet"),
    ("a.csv", "jet,pt,eta,phi\n0,1,0,x\n", "a.csv"),
    ("a.csv", "1,2,3,4,5\n1,2,3,4,5\n", "no multiple"),
    ("a.parquet", FEATURES, "features"),
    ("a.h5", FEATURES, "pandas table 'df' of features.*mj1"),
    ("a.h5", {"jet_images": np.ones((2, 40, 40))}, "images"),
    ("a.npy", np.ones((3, 40, 40)), "images of 40 x 40"),
    ("a.npy", np.ones((3, 1, 40, 40)), "images of 1 x 40 x 40"),
    ("a.npy", np.arange(5), "labels|shape"),
    ("a.npy", np.eye(3)[[0, 1, 2, 1]], "labels"),
    ("a.root", {"CollectionTree": {"x": np.arange(3)}}, "PHYSLITE"),
    ("a.root", {"tree": {"lundJets": np.arange(3)}}, "Lund planes"),
    ("a.root", {"tree": {"jet_pt": np.arange(3.0)}}, "tree without particles"),
    ("a.root", {"Events": {"Jet_pt": np.arange(3.0)}}, "NanoAOD without constituents"),
]


@pytest.mark.parametrize(
    ("name", "what", "said"), REFUSED, ids=lambda value: value[:20] if isinstance(value, str) else ""
)
def test_refused_in_words(name, what, said, tmp_path):
    path = write_bad(tmp_path, name, what)
    with pytest.raises(JetFileError, match=said) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_events_are_not_taken_for_jets(tmp_path):
    """Lists of the jets of events, by the names of particles."""
    rng = np.random.default_rng(0)
    phi = rng.uniform(-np.pi, np.pi, (50, 6))
    frame = {"event": np.repeat(np.arange(50), 6), "pt": rng.exponential(50, 300), "eta": rng.normal(0, 2, 300)}
    pd.DataFrame(frame | {"phi": phi.ravel()}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(JetFileError, match="whole events"):
        load(tmp_path / "a.csv")


def test_an_event_as_text():
    if not SHARED.exists():
        pytest.skip("the excerpts of public files are not here")
    with pytest.raises(JetFileError, match="3 columns without names"):
        load(SHARED / "specter_event.csv")
