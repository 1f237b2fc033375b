"""Schedules in closed form, and that training follows and records them."""

import pytest
from pydantic import ValidationError

import inference
from inference.recipe import read
from inference.schedules import Schedule


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(stop=3.0), {0.0: 3.0, 1.0: 3.0}),
        (Schedule(shape="linear", start=1, stop=3), {0.0: 1.0, 0.5: 2.0, 1.0: 3.0}),
        (Schedule(shape="linear", start=1, stop=3, over=0.5), {0.25: 2.0, 0.5: 3.0, 0.9: 3.0}),
        (
            Schedule(shape="geometric", start=0.01, stop=1, delay=0.1, over=0.5),
            {0.05: 0.01, 0.3: 0.1, 0.5: 1.0, 1.0: 1.0},
        ),
        (Schedule(shape="cosine", start=0, stop=1), {0.0: 0.0, 0.5: 0.5, 1.0: 1.0}),
        (Schedule(shape="geometric", start=1, stop=1e-4), {0.5: 1e-2, 1.0: 1e-4}),
        (Schedule(shape="cyclical", start=0, stop=1, cycles=2, over=0.5), {0.125: 0.5, 0.4: 1.0, 0.5: 0.0, 1.0: 1.0}),
        (Schedule(shape="down-up-down", start=1, stop=0.01), {0.0: 1.0, 1 / 3 - 1e-9: 0.01, 0.5: 0.1, 1.0: 0.01}),
        (Schedule(shape="one-cycle", stop=1.0), {0.0: 0.04, 0.3: 1.0, 1.0: 1e-4}),
    ],
)
def test_values(schedule, expected):
    for progress, value in expected.items():
        assert schedule(progress) == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("bad", [{"shape": "linear"}, {"shape": "geometric", "start": 0.0}, {"shape": "zigzag"}])
def test_incomplete(bad):
    with pytest.raises(ValidationError):
        Schedule(**bad)


def test_training_follows_and_records(tmp_path):
    import xarray as xr

    content = {
        "schedule.beta": {"shape": "geometric", "start": 10.0},
        "schedule.lr": {"shape": "one-cycle"},
        "schedule.kl_weight": {"shape": "linear", "start": 0.01, "over": 0.5},
        "training.epochs": 4,
        "data.fraction": {"qcd": 0.1, "top": 0.1},
    }
    run = inference.train(read("image-dvae", content), tmp_path / "run")
    steps = xr.open_datatree(run.path / "history.nc", engine="h5netcdf")["step"]
    assert steps.sizes["step"] == 4 * 12
    assert float(steps["beta"][0]) == pytest.approx(10.0)
    assert float(steps["beta"][-1]) == pytest.approx(0.1)
    assert float(steps["lr"].max()) == pytest.approx(5e-3, rel=1e-2)
    assert float(steps["kl_weight"][24]) == pytest.approx(1.0, rel=1e-2)
    # the loss is that of the beta of its step: reconstruction of N = 1/beta counts
    assert float(steps["reconstruction"][0]) < 1.0
    assert float(steps["reconstruction"][-1]) > 10.0
    assert run.recipe.schedule.beta.shape == "geometric"


def test_plateau_and_early_stop(tmp_path):
    """A few jets and a large network overfit: the validation loss turns, lr falls, training stops."""
    content = {
        "training.epochs": 400,
        "training.batch_size": 20,
        "training.plateau": 3,
        "training.early_stop": 8,
        "data.fraction": {"qcd": 0.01, "top": 0.01},
    }
    run = inference.train(read("image-vae", content), tmp_path / "run")
    losses = [row["validation_loss"] for row in run.history]
    assert len(losses) < 400
    assert len(losses) - 1 - losses.index(min(losses)) == 8
    assert run.history[-1]["lr"] < run.history[0]["lr"]
    assert run.complete
