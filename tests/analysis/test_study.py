"""Studies run from their command, go on where they stopped, and draw."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import study
from analysis.studies import STUDIES
from analysis.studies.complexity import MEASURES
from analysis.studies.setup import Setup
from analysis.studies.two_way import CHANGES, CONTAMINATION, NO_MODEL, SHOWN
from inference.errors import exit_code
from inference.run import RunError

QUICK = ["--limit", "60", "--epochs", "1", "--seeds", "1", "--most", "60"]


@pytest.mark.parametrize("name", ["fractions", "triangle"])
def test_study_leaves_files_and_resumes(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("analysis.studies.fractions.FRACTIONS", (0.5,))
    command = [name, *QUICK, "--out", str(tmp_path)]
    assert exit_code(lambda: study.main(command)) == 0
    assert "wrote" in capsys.readouterr().out
    found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf")
    assert found.attrs["study"] == name
    assert {path.suffix for path in tmp_path.glob(f"{name}.*")} == {".nc", ".png", ".pdf", ".svg"}
    monkeypatch.setattr("analysis.studies.setup.train_many", None)  # nothing is left to train
    assert exit_code(lambda: study.main(command)) == 0


def test_stability_goes_on_between_looks(tmp_path, monkeypatch):
    """Looks that were lost are not invented; one that was interrupted is taken again, at the same latents."""
    monkeypatch.setattr("analysis.studies.stability.MOST", 30)
    setup = Setup(tmp_path, seeds=2, changes={"data.limit": 60, "training.epochs": 2})
    expected = STUDIES["stability"].follow(setup, "dvae")
    (tmp_path / "runs/stability-dvae/epoch2.npy").unlink()
    assert expected.shape == (2, 3, 60)
    assert (STUDIES["stability"].follow(setup, "dvae") == expected).all()


def test_best_restart_has_the_lowest_loss(tmp_path):
    setup = Setup(tmp_path, changes={"data.limit": 60, "training.epochs": 1})
    (chosen,) = setup.best("case", "image-dvae", {}, seeds=1, restarts=2)
    losses = {run.path: run.history[-1]["loss"] for run in setup.train("case", "image-dvae", {}, seeds=2)}
    assert chosen.path == min(losses, key=losses.get)
    with pytest.raises(RunError, match="other settings"):
        setup.train("case", "image-dvae", {"training.lr": 0.1})


def two_way(random):
    rows = [
        {"model": m, "score": s, "background": b, "anomaly": a, "contamination": c, "seed": 0, "auc": random.random()}
        for m, s, c in product([*CHANGES, NO_MODEL], SHOWN, CONTAMINATION)
        for b, a in permutations(["qcd", "top"], 2)
        if (m, s) != ("ae", "log_p")  # as in truth: an autoencoder has none
    ]
    table = pd.DataFrame(rows).set_index(["model", "score", "background", "contamination", "seed", "anomaly"])
    return table["auc"].to_xarray().to_dataset(name="auc").assign_attrs(trained_on=["qcd", "top"])


def complexity(random):
    columns = {name: ("jet", random.random(60)) for name in MEASURES}
    both = {"reconstruction": (("trained_on", "jet"), random.random((2, 60)))}
    label = {"class_name": ("jet", np.repeat(["qcd", "top"], 30))}
    return xr.Dataset(columns | both | label, {"trained_on": ["qcd", "top"]})


@pytest.mark.parametrize(("name", "made", "count"), [("two-way", two_way, 1 + 47), ("complexity", complexity, 2)])
def test_figures_and_lines_of_made_up_numbers(name, made, count):
    found = made(np.random.default_rng(0))
    assert len(list(STUDIES[name].lines(found))) == count
    assert STUDIES[name].draw(found)[name].axes
