"""``study levels``: what it says of samples that differ and that do not, and how it names them."""

import json

import h5py
import numpy as np
import pytest
import xarray as xr

from analysis.evaluation.sample_names import names_of
from analysis.measures.level_differences import compared
from analysis.studies.levels import levels
from jets import load, save
from jets.simulation.config import Config, sample_record
from tests.analysis.measures.test_level_differences import of


def test_it_says_below_which_scale():
    part = levels(compared(of("partons"), of("hadrons"), ["parton", "hadron"]))
    assert part.reading.startswith(
        "hadron against parton: 3 trainings of each, 400 held-out jets, the same. D2: below 6"
    )
    assert "that of hadron is larger than that of parton by more than 10 %, at 12 GeV by 1.0" in part.reading
    assert "not converged" not in part.reading
    assert len(part.figure.axes) == 4
    assert {row[-1] for row in part.table.rows} == {"yes"}


def test_it_says_that_none_is_seen():
    found = compared(of("partons", seeds=1, events=False), of("partons", seeds=1, events=False), ["a", "b"])
    reading = levels(found).reading
    assert reading.startswith(
        "b against a: one training of each, whose spread is unknown, 400 and 400 other jets. D2: no"
    )
    assert "no difference of more than 5 % is seen that reaches down to the finest scale, 12 GeV" in reading


def test_what_has_not_converged_is_said():
    found = compared(of("partons"), of("hadrons"), ["parton", "hadron"])
    found["D1"] = found["D1"] * 1.3
    part = levels(found)
    assert part.reading.endswith("At the finest scale D1 and D2 differ by more than 10 %: not converged.")
    assert part.table.rows[0][-1] == "no"


def test_names_are_what_distinguishes_the_files(tmp_path):
    pytest.importorskip("pythia8mc")
    files = []
    for number, config in enumerate((Config("w", level=("parton", "hadron")), Config("w", shower="vincia"))):
        for level in config.level:
            files.append(str(save(tmp_path / f"{level}{number}.h5", load("sample:w")[:5])))
            with h5py.File(files[-1], "a") as file:
                file.attrs["config"], file.attrs["level"] = json.dumps(sample_record(config)), level
    parton, hadron, vincia = files
    assert names_of([parton, hadron]) == ["parton", "hadron"]
    assert names_of([hadron, vincia]) == ["simple", "vincia"]
    assert names_of([parton, parton]) == ["first", "second"]


def test_equal_numbers_leave_a_reading():
    """Without any spread, as of one jet, nothing is divided by zero."""
    found = compared(
        of("partons", jets=2, noise=0.0, own=0.0, spread=0.0),
        of("partons", jets=2, noise=0.0, own=0.0, spread=0.0),
        ["a", "b"],
    )
    assert np.isfinite(found["D2_difference_error"]).all()
    assert isinstance(found, xr.Dataset)
    assert "no difference" in levels(found).reading
