"""``jetvae simulate``: its options are those of a sample, its errors one line, its help without numpy."""

import argparse
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import h5py
import pytest

from jets.simulation.config import Config
from jetvae.__main__ import main
from jetvae.commands import simulate


def test_defaults_are_those_of_a_sample():
    parser = argparse.ArgumentParser()
    simulate.add(parser)
    options = vars(parser.parse_args(["top"]))
    assert (options.pop("out"), options.pop("jobs"), options.pop("dask")) == (None, 1, None)
    assert set(options) == set(asdict(Config("top")))
    assert Config(**options) == Config("top")


def test_help_needs_no_arrays():
    code = "import sys, jetvae.commands.simulate; print({'numpy', 'h5py', 'pythia8mc'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_sample_from_the_shell(tmp_path, jobs):
    """Processes start from the command's own file, whichever door it is."""
    pytest.importorskip("pythia8mc")
    words = ["simulate", "w", "--n", "20", "--events-per-block", "50", "--jobs", str(jobs)]
    script = Path(sys.executable).with_name("jetvae")
    door = [str(script)] if script.exists() else [sys.executable, "-m", "jetvae"]
    done = subprocess.run([*door, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "w.h5"
    with h5py.File(tmp_path / "w.h5") as file:
        assert len(file["label"]) == 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["z"], "invalid choice: 'z'"),
        ([], "process"),
        (["w", "--n", "0"], "n is 0; expected a whole number of at least 1"),
        (["w", "--n", "many"], "invalid int value: 'many'"),
        (["w", "--jobs", "0"], "expected a whole number of at least 1, got 0"),
        (["qcd", "--pthat-min", "900", "--pthat-max", "800"], "pthat_min < pthat_max"),
        (["w", "--out", "there.h5"], "there.h5 exists and is not overwritten"),
    ],
)
def test_errors_end_with_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("there.h5").write_bytes(b"mine")
    assert main(["simulate", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert Path("there.h5").read_bytes() == b"mine"


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("jets.simulation.sample.simulate", interrupted)
    assert main(["simulate", "w", "--out", str(tmp_path / "w.h5")]) == 130
    assert "the same command continues from" in capsys.readouterr().err
