"""The trainings of a study."""

import pytest

from analysis.studies.setup import Setup
from inference.folder import WEIGHTS
from inference.run import RunError
from jets.sums import SUMS


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    return Setup(tmp_path_factory.mktemp("study"), changes={"data.limit": 60, "training.epochs": 1})


@pytest.fixture(scope="module")
def chosen(setup):
    """The best of two starts."""
    return setup.best("case", "image-dvae", {}, seeds=1, restarts=2)[0]


def test_best_restart_has_the_lowest_loss(setup, chosen):
    losses = chosen.provenance["restarts"]["loss"]
    assert len(losses) == 2
    assert chosen.ended["loss"] == min(losses)
    (again,) = setup.best("case", "image-dvae", {}, seeds=1, restarts=2)
    assert again.digest == chosen.digest
    (alone,) = setup.train("alone", "image-dvae", {}, seeds=1)
    assert alone.ended["loss"] == pytest.approx(losses[0], rel=1e-4)
    with pytest.raises(RunError, match="other settings"):
        setup.train("case", "image-dvae", {})


def test_all_starts_are_kept(setup, chosen, monkeypatch):
    """They are those of ``--restarts``, of one split; what is there is not trained again, what is unfinished is."""
    runs = setup.starts("starts", "image-dvae", {}, 2)
    losses = [run.ended["loss"] for run in runs]
    assert losses == pytest.approx(chosen.provenance["restarts"]["loss"], rel=1e-4)
    assert all((run.split.train == chosen.split.train).all() for run in runs)
    for name in (WEIGHTS, SUMS):
        (runs[1].path / name).unlink()
    again = setup.starts("starts", "image-dvae", {}, 2)
    assert [run.digest for run in again] == [run.digest for run in runs]
    monkeypatch.setattr("analysis.studies.setup.trained_starts", None)
    assert all(run.complete for run in setup.starts("starts", "image-dvae", {}, 2))
    with pytest.raises(RunError, match="other settings"):
        setup.starts("starts", "image-dvae", {}, 4)


def test_seeds_are_trained_on_a_cluster(tmp_path):
    """Each by itself: with the weights of a training alone; what is there is kept."""
    pytest.importorskip("distributed")
    changes = {"data.limit": 60, "training.epochs": 1, "training.compile": False}
    setup = Setup(tmp_path, seeds=2, changes=changes, dask="")
    runs = setup.train("case", "image-dvae", {})
    assert [run.complete for run in runs] == [True, True]
    (alone,) = Setup(tmp_path / "alone", seeds=1, changes=changes).train("case", "image-dvae", {})
    assert alone.digest == runs[0].digest
    times = [run.path.stat().st_mtime_ns for run in runs]
    assert [run.path.stat().st_mtime_ns for run in setup.train("case", "image-dvae", {})] == times
