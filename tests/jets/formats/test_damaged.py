"""Damaged files of others' formats: one line that says what is wrong."""

import h5py
import numpy as np
import pytest

import jets
from jets.errors import JetFileError
from jets.formats.particles import Particles, jets_of
from tests.jets.formats import makers
from tests.jets.refusals import refused


def test_a_hepmc_that_was_cut_or_damaged(tmp_path):
    makers.hepmc(tmp_path / "a.hepmc", makers.truth(n=6))
    content = (tmp_path / "a.hepmc").read_text()
    assert len(jets.load(tmp_path / "a.hepmc")) == 6
    lines = content.splitlines(keepends=True)
    third = [i for i, line in enumerate(lines) if line.startswith("E ")][2]
    damaged = {
        "was cut": "".join(lines[:third]),
        "6 events announce": "".join([*lines[: third + 4], "P 3 1 x\n", *lines[third + 5 :]]),
        "damaged: 6 events": content.replace(lines[third + 6], "", 1),
    }
    for said, text in damaged.items():
        (tmp_path / "a.hepmc").write_text(text)
        refused(tmp_path / "a.hepmc", said)


@pytest.mark.parametrize(
    "line", ["V -1 0 0 0 0 0 1 9 268435456 1", "E 1 -1 0 0 0 0 0 1 1 2 268435456 0", "V -1 0 0 0 0 0"]
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_hepmc_that_lists_fewer_numbers_than_it_says(tmp_path, line, end):
    """The library makes room for what is said: 0.8 GB here."""
    path = tmp_path / "a.hepmc"
    makers.hepmc(path, makers.truth(n=6), format="hepmc2")
    content = path.read_text()
    assert len(jets.load(path)) == 6
    before, found, _ = content.rpartition("\n" + line[:2])
    path.write_text(before + found[:1] + line + end)
    refused(path, "lists other numbers than it says")


@pytest.mark.parametrize(
    "line", ["V -1 0 [5000]", "V -9 0 [1]", "V -1 [1]", "V -1 0 [1", "P 4000 1 211", "P 3 -7 211", "P x"]
)
def test_a_hepmc_whose_lines_name_what_is_not_there(tmp_path, line):
    """The library goes there in memory. In the third event of six, in place of its second particle."""
    path = tmp_path / "a.hepmc"
    makers.hepmc(path, makers.truth(n=6))
    lines = path.read_text().splitlines()
    place = [i for i, each in enumerate(lines) if each.startswith("E ")][2] + 4
    assert lines[place].startswith("P 2 1 211 ")
    rest = lines[place].removeprefix("P 2 1 211") if line.startswith("P") else ""
    path.write_text("\n".join([*lines[:place], line + rest, *lines[place + 1 :]]) + "\n")
    refused(path, "a line names a vertex or particle that its event lacks")


@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 4), (5, 1, 1, 4)])
def test_momenta_of_another_shape(shape):
    with pytest.raises(JetFileError, match=r"expected \(jets, particles, 4\)"):
        jets_of(Particles(np.ones(shape)), ("a",), "a.h5")


def test_indices_stay_within_their_event(tmp_path):
    import uproot

    makers.pfnano(tmp_path / "a.root", makers.truth(n=8))
    with uproot.open(tmp_path / "a.root") as file:
        columns = {name: branch.array() for name, branch in file["Events"].items() if not name.startswith("n")}
    columns["FatJetPFCands_pFCandsIdx"] = columns["FatJetPFCands_pFCandsIdx"] + 40
    with uproot.recreate(tmp_path / "b.root") as file:
        file["Events"] = columns
    refused(tmp_path / "b.root", "FatJetPFCands_pFCandsIdx = [0-9]+ in an event that has")


@pytest.mark.parametrize("beside", [{"weights": np.ones(3)}, {"columns": {"tau": np.ones(0)}}, {"label": np.zeros(9)}])
def test_columns_of_another_length(beside):
    part = Particles(np.ones((5, 2, 4)) * [1.0, 0.0, 0.0, 2.0], **beside)
    with pytest.raises(JetFileError, match="values for 5 jets"):
        jets_of(part, ("a",), "a.h5")


@pytest.mark.parametrize("separator", [",", ";", " "])
def test_a_table_that_ends_within_a_row(tmp_path, separator):
    """Refused where fields are lacking; a last line without its end is whole."""
    header = ["pt_0", "eta_0", "phi_0", "pt_1", "eta_1", "phi_1", "tau"]
    rows = [header, *[["300", "0.1", "0.2", "100", "0.3", "0.1", "0.25"]] * 3]
    text = "\n".join(map(separator.join, rows))
    (tmp_path / "a.csv").write_text(text)
    assert len(jets.load(str(tmp_path / "a.csv"))) == 3
    (tmp_path / "a.csv").write_text(text.removesuffix(f"{separator}0.25"))
    refused(tmp_path / "a.csv", "ends within a row, after 6 of its 7 fields")


def test_a_table_of_a_million_names(tmp_path, monkeypatch):
    """Only the first of them are read, at once: one by one a million take ten seconds."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = "frame"
        group["axis0"] = np.zeros(1_000_000, np.int8)
    monkeypatch.setattr(h5py.Dataset, "__iter__", None)
    refused(path, r"a pandas table 'df' of features \(0, 0, 0, 0, 0, 0, ...\)")
    for name in ("scalar", "group"):
        with h5py.File(path, "a") as file:
            del file["df/axis0"]
            if name == "scalar":
                file["df/axis0"] = 3
            else:
                file.create_group("df/axis0")
        refused(path, "a pandas table 'df' of features;")
