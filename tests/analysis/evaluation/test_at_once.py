"""Two analyses of one run at once: one evaluates, the other waits and takes what was kept."""

import threading

import pytest

import analysis.evaluation.tree as tree
from analysis.evaluation.tree import KEPT, evaluated
from inference.run import Run
from jets.disk import DiskError
from jets.lock import locked


@pytest.fixture
def run(trained, sample):
    yield Run.open(trained.path, sample)
    (trained.path / KEPT).unlink(missing_ok=True)


def test_one_evaluates_and_the_other_waits(run, sample, monkeypatch):
    times, found = [], []

    def slowly(*arguments, **options):
        times.append(threading.current_thread().name)
        return evaluate(*arguments, **options)

    evaluate = tree.evaluate
    monkeypatch.setattr(tree, "evaluate", slowly)
    threads = [
        threading.Thread(target=lambda: found.append(evaluated(Run.open(run.path, sample), None))) for _ in range(2)
    ]
    with locked(run.path, name=f".{KEPT}.lock"):
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
        assert times == []
    for thread in threads:
        thread.join(120)
    assert len(times) == 1
    assert found[0]["scores"].equals(found[1]["scores"])
    assert not list(run.path.glob(".*.lock"))


def test_a_folder_that_cannot_be_written_to_still_gives_what_it_keeps(run, sample, monkeypatch):
    kept = evaluated(run, None)

    def full(*arguments, **options):
        raise DiskError(run.path, "read-only file system")

    monkeypatch.setattr(tree, "locked", full)
    assert evaluated(Run.open(run.path, sample), None)["scores"].equals(kept["scores"])
    (run.path / KEPT).unlink()
    with pytest.raises(DiskError, match="read-only"):
        evaluated(Run.open(run.path, sample), None)
