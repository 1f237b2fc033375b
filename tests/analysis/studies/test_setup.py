"""The trainings of a study."""

import pytest

from analysis.studies.setup import Setup
from inference.run import RunError


def test_best_restart_has_the_lowest_loss(tmp_path):
    setup = Setup(tmp_path, changes={"data.limit": 60, "training.epochs": 1})
    (chosen,) = setup.best("case", "image-dvae", {}, seeds=1, restarts=2)
    losses = {run.path: run.history[-1]["loss"] for run in setup.train("case", "image-dvae", {}, seeds=2)}
    assert chosen.path == min(losses, key=losses.get)
    with pytest.raises(RunError, match="other settings"):
        setup.train("case", "image-dvae", {"training.lr": 0.1})
