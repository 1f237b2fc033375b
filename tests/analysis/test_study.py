"""Every study runs from its command, goes on where it stopped, and draws."""

import pytest
import xarray as xr

from analysis import study
from analysis.studies import STUDIES
from analysis.studies.setup import Setup
from inference.errors import exit_code
from inference.run import RunError

QUICK = ["--limit", "60", "--epochs", "1", "--seeds", "1", "--most", "60"]


@pytest.mark.parametrize("name", ["fractions", "complexity", "triangle"])
def test_study_leaves_files_and_resumes(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("analysis.studies.fractions.FRACTIONS", (1.0, 0.5))
    command = [name, *QUICK, "--out", str(tmp_path)]
    assert exit_code(lambda: study.main(command)) == 0
    assert "wrote" in capsys.readouterr().out
    found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
    assert found.attrs["study"] == name
    assert {path.suffix for path in tmp_path.glob(f"{name}.*")} == {".nc", ".png", ".pdf"}
    monkeypatch.setattr("analysis.studies.setup.train_many", None)  # nothing is left to train
    assert exit_code(lambda: study.main(command)) == 0


def test_stability_goes_on_between_looks(tmp_path):
    """Interrupted after a look or between looks, the trainings end at the same latents."""
    changes = {"data.limit": 60, "training.epochs": 2}
    straight = Setup(tmp_path / "a", seeds=2, changes=changes)
    expected = STUDIES["stability"].follow(straight, "dvae")
    broken = Setup(tmp_path / "b", seeds=2, changes=changes)
    STUDIES["stability"].follow(broken, "dvae")
    for late in (1, 2):
        (tmp_path / f"b/runs/stability-dvae/epoch{late}.npy").rename(tmp_path / f"gone{late}")
    (tmp_path / "gone1").rename(tmp_path / "b/runs/stability-dvae/epoch1.npy")
    again = STUDIES["stability"].follow(broken, "dvae")
    assert expected.shape == (2, 3, 2000)
    assert (again == expected).all()


def test_other_settings_are_refused(tmp_path):
    setup = Setup(tmp_path, seeds=1, changes={"data.limit": 60, "training.epochs": 1})
    setup.train("case", "image-dvae", {})
    with pytest.raises(RunError, match="other settings"):
        setup.train("case", "image-dvae", {"training.lr": 0.1})
