"""Where compiled code is kept, and what a run says of its device."""

from __future__ import annotations

import os

import pytest

import inference
from inference import machine
from inference.folder import RunFolder
from inference.grid import resume
from inference.machine import cpu, keep_compiled
from inference.recipe import read

NAME = "TORCHINDUCTOR_CACHE_DIR"


@pytest.fixture
def unset(monkeypatch):
    """A process in which nobody has chosen a place; what the test sets is undone."""
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)
    return monkeypatch


def test_compiled_code_is_kept_in_the_users_cache(unset, tmp_path):
    unset.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_compiled()
    (folder,) = (tmp_path / "jetvae").iterdir()
    assert os.environ[NAME] == str(folder)
    assert folder.is_dir()


def test_other_cores_have_a_place_of_their_own(unset, tmp_path):
    unset.setenv("XDG_CACHE_HOME", str(tmp_path))
    for kind in ("one", "another", "one"):
        unset.setattr(machine, "cpu", lambda kind=kind: kind)
        unset.delenv(NAME, raising=False)
        keep_compiled()
    assert len(list((tmp_path / "jetvae").iterdir())) == 2


def test_the_users_choice_stays(unset, tmp_path):
    unset.setenv("XDG_CACHE_HOME", str(tmp_path))
    unset.setenv(NAME, "/somewhere")
    keep_compiled()
    assert os.environ[NAME] == "/somewhere"
    assert not list(tmp_path.iterdir())


def test_no_place_to_keep_it_is_no_error(unset, tmp_path):
    (tmp_path / "file").write_text("")
    unset.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_compiled()
    assert NAME not in os.environ


def test_cores_are_told():
    assert cpu().strip()


def test_a_run_names_the_devices_it_was_trained_on(tmp_path):
    """Once each time the device changes; not when nothing is left to train."""
    quick = {"training.epochs": 1, "data.fraction": {"qcd": 0.05, "top": 0.05}}
    run = inference.train(read("image-dvae", quick), tmp_path / "run")
    folder = RunFolder(run.path)
    assert run.provenance["devices"] == ["cpu"]
    resume(run.path, {"training.epochs": 2})
    assert folder.provenance()["devices"] == ["cpu"]
    folder.write_provenance(folder.provenance() | {"devices": ["cuda (model)"]})
    resume(run.path, {"training.epochs": 2})
    assert folder.provenance()["devices"] == ["cuda (model)"]
    resume(run.path, {"training.epochs": 3})
    assert folder.provenance()["devices"] == ["cuda (model)", "cpu"]
