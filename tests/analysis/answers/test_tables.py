"""Tables on disk: read back with the libraries that a physicist would read them with."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
import xarray as xr

from analysis.answers.tables import WRITERS, table
from jets.errors import UserError


def read_root(path):
    with uproot.open(path) as file:
        found = file["jets"].arrays(library="pd")
        names = json.loads(str(file["class_names"]))
    return found.assign(**{"class": [names[i] for i in found["class"]]})


def read_hdf5(path):
    with h5py.File(path) as file:
        return pd.DataFrame({k: v.asstr()[:] if v.dtype == object else v[:] for k, v in file.items()})


READERS = {
    ".parquet": pd.read_parquet,
    ".root": read_root,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".nc": lambda path: xr.load_dataset(path, engine="h5netcdf").to_pandas(),
    ".csv": pd.read_csv,
}


def rows(n, seed=0, **more):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "event_number": np.arange(n) + (1 << 40),
            "class": np.where(random.random(n) < 0.5, "qcd", "top"),
            "elbo": random.normal(size=n).astype(np.float32),
            "kl_R1_0": np.where(random.random(n) < 0.2, np.nan, 1.0),
        }
        | more
    )


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_read_back_is_what_was_written(tmp_path, suffix):
    parts = [rows(5), rows(1, 1), rows(9000, 2)]
    with table(tmp_path / f"x{suffix}", {"run": "runs/mine"}) as append:
        for part in parts:
            append(part)
    found, expected = READERS[suffix](tmp_path / f"x{suffix}"), pd.concat(parts, ignore_index=True)
    assert list(found) == list(expected)
    for name in expected:
        values = found[name].to_numpy()
        if name == "class":
            assert values.tolist() == expected[name].tolist()
        else:
            np.testing.assert_allclose(values, expected[name].to_numpy(), rtol=1e-6)
    assert found["event_number"].dtype == np.int64
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


@pytest.mark.parametrize("suffix", WRITERS)
def test_later_rows_have_the_columns_of_the_first(tmp_path, suffix, capsys):
    with table(tmp_path / f"x{suffix}", {}) as append:
        append(rows(3, tau=np.ones(3)))
        append(rows(2, mass=np.ones(2)).drop(columns=["event_number", "class"]))
    found = READERS[suffix](tmp_path / f"x{suffix}")
    assert found["event_number"].tolist()[3:] == [-1, -1]
    assert found["tau"].isna().tolist() == [False] * 3 + [True] * 2
    assert "mass" not in found
    notes = capsys.readouterr().err
    assert "columns mass are not in the rows before; left out" in notes
    assert "columns class, event_number, tau are in the rows before and not in these" in notes
    assert notes.count("columns") == 2


def test_files_say_what_they_are_of(tmp_path):
    for suffix in (".parquet", ".h5", ".nc"):
        with table(tmp_path / f"x{suffix}", {"run": "runs/mine"}) as append:
            append(rows(3))
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(tmp_path / "x.parquet")
    assert schema.metadata[b"run"] == b"runs/mine"
    assert schema.field("elbo").metadata == {b"units": b"nat"}
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.attrs["run"] == "runs/mine"
        assert file["kl_R1_0"].attrs["units"] == "nat"
    assert xr.load_dataset(tmp_path / "x.nc", engine="h5netcdf")["elbo"].attrs["units"] == "nat"


def test_names_that_a_format_cannot_hold(tmp_path):
    with table(tmp_path / "x.root", {}) as append:
        append(rows(2).rename(columns={"elbo": "tau21/tau32 (raw)"}))
    assert "tau21_tau32__raw_" in uproot.open(tmp_path / "x.root")["jets"]
    with table(tmp_path / "x.h5", {}) as append:
        append(rows(2).rename(columns={"elbo": "a/b"}))
    assert "a_over_b" in h5py.File(tmp_path / "x.h5")


def test_nothing_is_left_of_what_failed(tmp_path):
    (tmp_path / "x.csv").write_text("before")

    def failing():
        with table(tmp_path / "x.csv", {}) as append:
            append(rows(3))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert (tmp_path / "x.csv").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UserError, match="no jets to write"), table(tmp_path / "y.csv", {}):
        pass
    with pytest.raises(UserError, match=r"x.txt: tables are written as \.parquet"), table(tmp_path / "x.txt", {}):
        pass


def test_parquet_is_written_in_groups_and_whole(tmp_path, monkeypatch):
    """Rows that do not fill a group too; in their order."""
    from pyarrow.parquet import ParquetFile

    from analysis.answers import tables

    monkeypatch.setattr(tables, "GROUP", 100)
    with tables.table(tmp_path / "a.parquet", {}) as append:
        for start in range(0, 270, 30):
            append(pd.DataFrame({"row": np.arange(start, start + 30)}))
    file = ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [120, 120, 30]
    assert file.read()["row"].to_pylist() == [*range(270)]
