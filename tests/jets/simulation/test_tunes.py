"""Pythia's tunes: the table is that of its manual, a tune changes jets, older samples stay as they are."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from jets.simulation import generator
from jets.simulation.block import simulate_block
from jets.simulation.config import Config, SimulationError, sample_record
from jets.simulation.tunes import DEFAULT, NOT_HERE, TUNES
from jets.simulation.unfinished import begin
from jetvae.__main__ import main


def pythia():
    import pythia8mc

    return pythia8mc.Pythia("", False)


def test_the_table_is_pythias():
    """Every number between Pythia's own limits, one default, and each file of settings bears the name."""
    mode = pythia().settings.mode
    assert mode("Tune:pp") == DEFAULT == Config("w").tune
    every = TUNES | NOT_HERE
    assert sorted(every) == list(range(1, 34))
    own = pythia()
    assert own.readString("Tune:pp = 33")
    assert not own.readString("Tune:pp = 34")


@pytest.mark.parametrize(("tune", "alpha"), [(14, 0.1365), (21, 0.127), (18, 0.1365), (3, 0.1383)])
def test_a_tune_sets_its_own_coupling(tune, alpha):
    """The coupling of the shower in the final state: Monash 1404.5630 and A14 (ATL-PHYS-PUB-2014-021)."""
    assert generator.start(Config("w", tune=tune).settings(), 1).settings.parm("TimeShower:alphaSvalue") == alpha


def test_a_tune_comes_before_what_is_fixed():
    """No tune turns multiparton interactions on."""
    found = generator.start(Config("w", tune=21).settings(), 1).settings
    assert not found.flag("PartonLevel:MPI")
    assert found.mode("Tune:pp") == 21


@pytest.mark.parametrize("tune", NOT_HERE)
def test_those_without_parton_densities_fail(tune):
    """Should Pythia bring them, they are to move to the table."""
    with pytest.raises(SimulationError, match="LHAPDF"):
        Config("w", tune=tune)
    with pytest.raises(SimulationError, match="no cross section"):
        generator.start([f"Tune:pp = {tune}", *Config("w").settings()], 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tune": 34}, r"tune is 34; Pythia 8.317 has 1 to 33, of which 11, 16, 17, 22 need LHAPDF: --tune 14 is"),
        ({"tune": 0}, "tune is 0"),
        ({"tune": 21, "shower": "vincia"}, "vincia brings its own: leave out --tune or --shower vincia"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(SimulationError, match=message):
        Config("w", **changes)


def test_the_command_refuses_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "w", "--tune", "99"]) == 2
    assert re.search(r"tune is 99; Pythia", capsys.readouterr().err.splitlines()[-1])
    assert not list(Path.cwd().iterdir())


def test_the_default_is_what_there_was(tmp_path):
    """A sample begun before there were tunes goes on; with another tune it does not."""
    assert not any("Tune" in line for line in Config("w").settings())
    assert Config("w", tune=21).settings()[0] == "Tune:pp = 21"
    folder = tmp_path / "w.h5.partial"
    begin(folder, Config("w", n=9))
    record = folder / "config.json"
    before = json.loads(record.read_text())
    assert before.pop("tune") == 14
    record.write_text(json.dumps(before))
    begin(folder, Config("w", n=9))
    with pytest.raises(SimulationError, match="tune = 14, not 21"):
        begin(folder, Config("w", n=9, tune=21))
    assert sample_record(Config("w", tune=21))["tune"] == 21
    assert Config("w", tune=21).generated() == ("--tune", "21")


def test_jets_of_another_tune_are_others():
    first, second = (simulate_block(Config("w", seed=2, events_per_block=50, tune=tune), 0) for tune in (14, 21))
    assert not np.array_equal(first["jet"][:5], second["jet"][:5])
