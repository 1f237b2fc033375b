"""The command: its index, its help, its exit codes; what options promise is what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jetvae import options as shared
from jetvae.__main__ import STOPPED, command_module, main
from jetvae.commands import COMMANDS, GROUPS, study, train

HEAVY = ("torch", "numpy", "pydantic", "xarray", "matplotlib")


def helped(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([name, "--help"]) == 0
    return capsys.readouterr().out


def test_every_file_is_a_command():
    files = {path.stem for path in (Path(main.__code__.co_filename).parent / "commands").glob("[!_]*.py")}
    assert files == set(COMMANDS)


def test_index_names_every_command(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([]) == 0
    text = capsys.readouterr().out
    for title, commands in GROUPS.items():
        assert f"\n{title}:\n" in text
        for name, about in commands.items():
            assert re.search(rf"^  {name} +{re.escape(about)}$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal(name, capsys, monkeypatch):
    text = helped(name, capsys, monkeypatch)
    assert text.startswith(f"usage: jetvae {name} ")
    assert max(map(len, text.splitlines())) <= 80
    assert "python -m" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_parsing_imports_nothing_heavy(name):
    """Else help and completion would take seconds."""
    code = (
        "import sys; from jetvae.__main__ import main; main(sys.argv[1:]); "
        f"sys.exit(any(name in sys.modules for name in {HEAVY}))"
    )
    done = subprocess.run([sys.executable, "-c", code, name, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"jetvae \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sumary", "runs/mine"], "invalid choice: 'sumary'"),
        (["summary"], "the following arguments are required: RUN"),
        (["summary", "runs/absent"], "error: runs/absent: no run there"),
        (["train", "--beta", "low"], "invalid resolution value: 'low'"),
        (["train", "--seeds", "0"], "expected a whole number of at least 1"),
        (["train", "--latent", "Q2"], "error: latent string 'Q2'"),
        (["train", "--set", "training.epoch=3"], "did you mean epochs?"),
        (["train", "--resume"], "--resume needs --out"),
        (["resume", "runs/absent"], "runs/absent"),
        (["report"], "give one run, several, or a scan"),
        (["topology", "runs/absent"], "runs/absent: no run there, nor a scan"),
        (["draw", "samples", "qcd"], "expected NAME=DIR"),
        (["league", "sample:w", "--beta", "1"], "a league takes vectors"),
        (["discover", "sample:w"], "the following arguments are required: --beta"),
        (["discover", "nowhere.h5", "--beta", "1"], "nowhere.h5"),
        (["search", "sample:qcd"], "the following arguments are required: --window"),
        (["search", "nowhere.h5", "--window", "65:105"], "nowhere.h5"),
        (["search", "toy:circle(n=500)", "--window", "65:105"], "a search takes jets with particles"),
        (["search", "sample:qcd", "--window", "65:105", "--mass", "weight"], "has no such column; it has pt, eta"),
        (["search", "sample:qcd", "--window", "65:105", "--signal", "w"], "no such class; there are qcd"),
        (["search", "sample:qcd", "--window", "6000:7000"], "0 jets in the window: at least 100 are needed"),
    ],
)
def test_bad_input_is_exit_code_2(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["trust", "run", "--jets", "0"], "argument --jets: expected a whole number of at least 1, got 0"),
        (["trust", "run", "--draws", "-3"], "argument --draws: expected a whole number of at least 1, got -3"),
        (["nuts", "run", "--seed", "-1"], "argument --seed: expected a whole number of at least 0, got -1"),
        (["nuts", "run", "--seed", str(2**40)], "argument --seed: expected a whole number of at least 0"),
        (["summary", "run", "--beta", "0"], "argument --beta: expected a number above 0, got 0"),
        (["summary", "run", "--beta", "nan"], "argument --beta: expected a finite number of at least 0, got nan"),
        (["topology", "scan", "--delta", "-1"], "argument --delta: expected a finite number of at least 0, got -1"),
        (["resume", "run", "--together", "x"], "argument --together: expected a whole number of at least 1, got x"),
        (["dimension", "run", "--scale", "inf"], "argument --scale: expected a finite number"),
        (["draw", "correlation", "--pt", "nan"], "argument --pt: expected a finite number"),
        (["draw", "correlation", "--seeds", "1"], "argument --seeds: expected a whole number of at least 2, got 1"),
        (["draw", "correlation", "--points", "0"], "argument --points: expected a whole number of at least 1, got 0"),
    ],
)
def test_numbers_without_sense_are_refused_before_any_work(words, problem, capsys):
    assert main(words) == 2
    assert problem in capsys.readouterr().err


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(command_module("information"), "run", lambda options: [][0])
    with pytest.raises(IndexError):
        main(["information", "runs/mine"])


@pytest.mark.parametrize("said", [(), ("interrupted; runs/mine/checkpoint.safetensors holds 3 epochs",)])
def test_an_interruption_is_one_line(said, monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt(*said)

    monkeypatch.setattr(command_module("information"), "run", interrupted)
    assert main(["information", "runs/mine"]) == 130
    assert capsys.readouterr().err.strip() == (said or (STOPPED,))[0]


def test_training_defaults_are_the_recipes(capsys, monkeypatch):
    """What stands in brackets is what the recipe says that is trained when none is named."""
    from inference.recipe import read

    recipe, text = read(train.DEFAULT), " ".join(helped("train", capsys, monkeypatch).split())
    for option, (_, key) in zip(("epochs", "batch-size", "lr", "seed"), list(train.KEYS.items())[1:], strict=False):
        table, name = key.split(".")
        value = getattr(getattr(recipe, table), name)
        assert re.search(rf"--{option} \w [^-]*?\[{value:g}\]", text), option
    assert f"[{recipe.model.latent}]" in text
    assert f"[{recipe.model.beta}]" in text
    assert f"[{' '.join(recipe.data.files)}]" in text


def test_training_help_tells_units_and_recipes(capsys, monkeypatch):
    from recipes import names

    text = " ".join(helped("train", capsys, monkeypatch).replace("-\n", "-").split())
    assert all(word in text for word in ("pseudo-counts", "radians", "--resume", "t/Q", "[auto]"))
    assert all(name.replace("-", "") in text.replace("-", "").replace(" ", "") for name in names())


def test_other_defaults_are_the_codes():
    from analysis.measures.topology import DELTA
    from analysis.studies.setup import Setup
    from inference.nuts import WARM_UP
    from inference.scan import TOGETHER

    assert shared.SHARED["delta"][1]["default"] == DELTA
    assert shared.SHARED["together"][1]["default"] == TOGETHER
    assert Setup.files == shared.SAMPLES == tuple(study.DEFAULTS["jets"])
    assert study.DEFAULTS["most"] == Setup.most
    assert command_module("nuts").COUNTS["warm_up"] == WARM_UP


def completions(line):
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    code = "import os, sys; os.dup2(1, 8); from jetvae.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.split("\n")


def test_shells_complete():
    assert {"train", "trust", "topology"} <= {word.strip() for word in completions("jetvae t")}
    assert "--signal" in {word.strip() for word in completions("jetvae summary --si")}


def test_quiet_and_verbose(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few = ["--epochs", "1", "--set", "training.compile=false", "--data", "toy:circle(n=150)", "--latent", "S1"]
    said = {}
    for option in ("--quiet", "-v", "--epochs=1"):
        assert main(["train", "vae-toy", *few, "--out", option.strip("-"), option]) == 0
        said[option] = capsys.readouterr()
    assert said["--quiet"].err == ""
    assert "wrote" in said["--quiet"].out
    assert "loading: toy:circle(n=150): 150 jets in 0." in said["-v"].err
    assert "trainer: checkpoint: 1 epochs" in said["-v"].err
    assert "epoch 1/1" in said["--epochs=1"].err
    assert "checkpoint:" not in said["--epochs=1"].err


def test_verbose_says_where_an_error_came_from(capsys):
    assert main(["inspect", "nowhere.h5"]) == 2
    short = capsys.readouterr().err
    assert main(["inspect", "nowhere.h5", "--verbose"]) == 2
    long = capsys.readouterr().err
    assert len(short.splitlines()) == 1
    assert long.splitlines()[-1] == short.strip()
    assert "Traceback" in long
    assert "Traceback" not in short


@pytest.mark.parametrize("name", ["convert", "encode", "league", "discover", "nuts", "search"])
def test_an_interruption_says_what_is_kept(name, monkeypatch, capsys):
    def stopped(options):
        raise KeyboardInterrupt

    module = command_module(name)
    monkeypatch.setattr(module, "run", stopped)
    words = {
        "convert": "a.h5 -o b.h5",
        "encode": "run a.h5 -o t.csv",
        "nuts": "run",
        "search": "a.h5 --window 65:105",
    }
    given = words.get(name, "points.npy --beta 1").split()
    assert main([name, *given]) == 130
    assert capsys.readouterr().err == f"\n{module.KEPT}\n"
