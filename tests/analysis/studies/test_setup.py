"""The trainings of a study."""

import pytest

from analysis.studies.setup import Setup
from inference.run import RunError


def test_best_restart_has_the_lowest_loss(tmp_path):
    setup = Setup(tmp_path, changes={"data.limit": 60, "training.epochs": 1})
    (chosen,) = setup.best("case", "image-dvae", {}, seeds=1, restarts=2)
    losses = chosen.provenance["restarts"]["loss"]
    assert len(losses) == 2
    assert chosen.ended["loss"] == min(losses)
    (again,) = setup.best("case", "image-dvae", {}, seeds=1, restarts=2)
    assert again.digest == chosen.digest
    (alone,) = setup.train("alone", "image-dvae", {}, seeds=1)
    assert alone.ended["loss"] == pytest.approx(losses[0], rel=1e-4)
    with pytest.raises(RunError, match="other settings"):
        setup.train("case", "image-dvae", {})
