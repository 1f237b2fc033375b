"""Studies run from their command at their smallest size, go on where they stopped, and draw."""

import re

import pytest
import xarray as xr

from analysis.studies import GROUPS, STUDIES, study
from analysis.studies.restarts import Kind
from jets import load, save
from jetvae.__main__ import main

QUICK = {"--limit": "60", "--epochs": "1", "--seeds": "1", "--most": "60"}
SMALLER = {
    "coupling": {"TOY": "toy:curve(n=100)", "WIDTHS": (4, 5)},
    "curse": {"DIMENSIONS": (1, 2), "POINTS": 90},
    "smearing": {"TOY": "toy:gaussian(spectrum=10,5,2,0.5, n=100)"},
    "organisation": {"TOY": "toy:gaussian(spectrum=8,4,2,1, n=100)", "ROTATIONS": 2},
    "preprocessing": {"STEPS": {"centre": ("centre",)}},
    "relaxed": {"POSTERIORS": {"summed over": "C2", "relaxed": "C2(posterior=relaxed)"}},
    "lda": {"ALPHA": {2: "0.9"}},
    "transport": {"TRIED": 3},
    "fractions": {"FRACTIONS": (0.5, 0.1)},
    "restarts": {"KINDS": {"DVAE": Kind("image-dvae", {"model.latent": "L2(alpha=1,0.25)"}, (0.5,))}},
    "levels": {
        "CHANGES": {"model.encoder": [8, 16], "model.decoder": [16], "model.latent": "R2", "training.compile": False}
    },
    "shared": {"CHANGES": {"model.encoder": [8, 16], "model.decoder": [16], "training.compile": False}},
    "mixtures": {"SHOWN": (0.5,)},
    "stability": {"MODELS": {"dvae": ("image-dvae", {"model.latent": "L2(alpha=0.9)"})}, "MOST": 30},
    "rulers": {"RULERS": {"energy": "energy", "mmd": "MMD"}, "SCALES": 2, "PAIRS": 5},
    "two-way": {"CHANGES": {"dvae": {"model.latent": "L2(alpha=1,0.25)"}}, "CONTAMINATION": (0.0,), "SIZE": 60},
}
"""Study -> what makes it smaller yet."""


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A few jets of each class; reading all embedded ones for each study takes a minute."""
    folder = tmp_path_factory.mktemp("jets")
    for name in ("qcd", "top", "w"):
        save(folder / f"{name}.h5", load(f"sample:{name}")[:150])
    return [str(folder / f"{name}.h5") for name in ("qcd", "top", "w")]


def command(name, folder, files):
    jets = [] if "--jets" in STUDIES[name].without else ["--jets", *files]
    known = [word for flag, value in QUICK.items() if flag not in STUDIES[name].without for word in (flag, value)]
    return ["study", name, *jets, *known, "--out", str(folder)]


@pytest.mark.parametrize("name", STUDIES)
def test_study_leaves_files_and_resumes(name, files, tmp_path, capsys, monkeypatch):
    for key, value in SMALLER.get(name, {}).items():
        monkeypatch.setattr(study(name), key, value)
    assert main(command(name, tmp_path, files)) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("wrote")
    found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
    assert found.attrs["study"] == name
    assert {path.suffix for path in tmp_path.glob(f"{name}.*")} == {".nc", ".png", ".pdf", ".svg"}
    monkeypatch.setattr("analysis.studies.setup.train_many", None)  # nothing is left to train
    monkeypatch.setattr("analysis.studies.run.save_figures", lambda *_: [])
    assert main(command(name, tmp_path, files)) == 0


def test_help_lists_every_study_by_group(capsys):
    assert main(["study", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{title}:\n" in text for title in GROUPS)
    assert all(re.search(rf"^  {name} +{re.escape(about.line)}$", text, re.M) for name, about in STUDIES.items())


def test_two_classes_are_needed_before_any_training(tmp_path, capsys):
    words = ["--jets", "sample:qcd", "sample:qcd", "--out", str(tmp_path / "new")]
    assert main(["study", "triangle", *words]) == 2
    assert "the first two files must hold one class each" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
