"""Every option that a command declares has an effect, or is refused in one line."""

import argparse
import ast
import inspect
import re

import numpy as np
import pytest

import analysis
import inference
import jetvae.__main__
from analysis import store
from jetvae.__main__ import command_module, main, parser_of
from jetvae.commands import COMMANDS


def destinations(parser):
    """Names of everything that a parser, or one of its own commands, puts into its options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield action.dest
            for inner in action.choices.values():
                yield from destinations(inner)
        elif action.dest != "help":
            yield action.dest


def named(module):
    """Attributes of options and words that occur in what does the work: all functions but those that declare."""
    for node in ast.parse(inspect.getsource(module)).body:
        declares = isinstance(node, ast.FunctionDef) and node.name.startswith("add")
        for inner in ast.walk(node) if not declares else ():
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "options":
                yield inner.attr
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_declared_is_read(name):
    module = command_module(name)
    declared = set(destinations(parser_of(name, module)))
    used = set(named(module))
    if hasattr(module, "reading"):  # what is said of a file is read there
        used |= set(named(module.reading))
    used |= {"trust_code", "verbosity"} & set(named(jetvae.__main__))  # for all commands in one place
    if hasattr(module, "Config"):  # made of all of them
        used |= set(inspect.signature(module.Config).parameters)
    assert declared - used == set()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on images for a range of resolutions."""
    changes = {"model.beta": [0.02, 2.0], "training.epochs": 1, "data.limit": 200, "data.test": 0.02}
    recipe = inference.read("image-vae", changes)
    assert recipe.model.beta.is_range
    return inference.train(recipe, tmp_path_factory.mktemp("options") / "run")


def kl_of_scores(path):
    scores = store.open(path)["score_value"]
    return np.asarray(scores.sel(score="kl"))


def test_anomaly_is_measured_at_its_resolution(run, tmp_path, capsys):
    """The scores at a resolution are those of the evaluation there."""
    for beta in ("0.05", "1"):
        assert main(["anomaly", str(run.path), "--beta", beta, "--out", str(tmp_path / f"{beta}.nc")]) == 0
        expected = analysis.evaluate(run, draws=4, beta=float(beta), pairs=0, curve=False)["sample_stats"]["kl"]
        np.testing.assert_allclose(kl_of_scores(tmp_path / f"{beta}.nc"), expected, rtol=1e-4)
    assert kl_of_scores(tmp_path / "0.05.nc").mean() > kl_of_scores(tmp_path / "1.nc").mean() + 1
    assert main(["anomaly", str(run.path)]) == 0
    middle = kl_of_scores(run.path / "anomaly.nc").mean()
    assert kl_of_scores(tmp_path / "0.05.nc").mean() > middle > kl_of_scores(tmp_path / "1.nc").mean()


def printed_auc(text):
    """The area of the reconstruction error over all masses, from the first table."""
    (row,) = [line for line in text.partition("given the mass")[0].splitlines() if "reconstruction" in line]
    return float(re.search(r"\d\.\d{4}", row).group())


@pytest.mark.parametrize("command", ["anomaly", "summary"])
def test_signal_is_what_is_tagged(command, run, capsys, monkeypatch):
    """Either of two classes: their areas are one together."""
    monkeypatch.setenv("COLUMNS", "160")
    areas = {}
    for signal in ("top", "qcd"):
        assert main([command, str(run.path), "--signal", signal]) == 0
        text = capsys.readouterr().out
        assert f"tagging: signal {signal}" in text
        areas[signal] = printed_auc(text)
    assert sum(areas.values()) == pytest.approx(1, abs=2e-4)
    assert main([command, str(run.path)]) == 0
    assert printed_auc(capsys.readouterr().out) == pytest.approx(areas["top"], abs=1e-4)


def one_line(capsys):
    """The one line of an error."""
    (line,) = [text for text in capsys.readouterr().err.splitlines() if not text.startswith("note:")]
    return line


@pytest.mark.parametrize("command", ["anomaly", "summary", "report"])
def test_an_unknown_class_is_one_line(command, run, capsys):
    assert main([command, str(run.path), "--signal", "higgs"]) == 2
    assert one_line(capsys) == "error: --signal: unknown class 'higgs'; the jets are qcd, top"


def test_one_class_alone_cannot_be_tagged(run, capsys):
    assert main(["anomaly", str(run.path), "--data", "sample:w", "--signal", "w"]) == 2
    assert one_line(capsys) == "error: --signal w: tagging needs it and another class; all jets are w"


@pytest.mark.parametrize("command", ["information", "meaning", "trust"])
def test_signal_is_not_declared_where_nothing_is_tagged(command, run, capsys):
    assert main([command, str(run.path), "--signal", "top"]) == 2
    assert "unrecognized arguments: --signal top" in capsys.readouterr().err


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """A run at one resolution."""
    changes = {"training.epochs": 1, "data.limit": 40, "data.test": 0.01}
    return inference.train(inference.read("image-dvae", changes), tmp_path_factory.mktemp("options") / "single")


@pytest.mark.parametrize("command", ["anomaly", "summary", "information", "meaning", "trust", "report", "nuts"])
def test_one_resolution_cannot_be_chosen(command, single, capsys):
    assert main([command, str(single.path), "--beta", "0.7"]) == 2
    line = one_line(capsys)
    assert line.startswith("error: ")
    assert "beta" in line


@pytest.mark.parametrize("command", ["information", "meaning"])
def test_beta_moves_the_numbers(command, run, capsys):
    """A finer resolution tells more."""
    texts = []
    for beta in ("0.05", "1"):
        assert main([command, str(run.path), "--beta", beta]) == 0
        texts.append(capsys.readouterr().out)
        assert store.open(run.path / "analysis.nc").attrs["beta"] == pytest.approx(float(beta))
    assert texts[0] != texts[1]


def test_report_is_of_its_resolution_and_signal(run, tmp_path):
    out = tmp_path / "page.html"
    assert main(["report", str(run.path), "--beta", "1", "--signal", "qcd", "--out", str(out)]) == 0
    assert "tags qcd best" in out.read_text()
    assert store.open(run.path / "analysis.nc").attrs["beta"] == 1


def test_report_prints_the_summary(run, tmp_path, capsys):
    assert main(["report", str(run.path), "--summary", "--out", str(tmp_path / "page.html")]) == 0
    assert "tagging: signal top" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--trust"], ["--summary"], ["--trust", "--summary"]])
def test_report_of_two_refuses_what_it_has_no_use_for(options, run, tmp_path, capsys):
    out = tmp_path / "two.html"
    assert main(["report", "--compare", str(run.path), str(run.path), *options, "--out", str(out)]) == 2
    assert one_line(capsys) == f"error: {', '.join(options)}: not for this page; leave it out"
    assert not out.exists()
