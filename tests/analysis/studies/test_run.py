"""Studies run from their command, go on where they stopped, and draw."""

import pytest
import xarray as xr

from jetvae.__main__ import main

QUICK = ["--limit", "60", "--epochs", "1", "--seeds", "1", "--most", "60"]


@pytest.mark.parametrize("name", ["fractions", "triangle"])
def test_study_leaves_files_and_resumes(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("analysis.studies.fractions.FRACTIONS", (0.5,))
    command = ["study", name, *QUICK, "--out", str(tmp_path)]
    assert main(command) == 0
    assert "wrote" in capsys.readouterr().out
    found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
    assert found.attrs["study"] == name
    assert {path.suffix for path in tmp_path.glob(f"{name}.*")} == {".nc", ".png", ".pdf", ".svg"}
    monkeypatch.setattr("analysis.studies.setup.train_many", None)  # nothing is left to train
    assert main(command) == 0
