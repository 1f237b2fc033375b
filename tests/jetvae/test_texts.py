"""Texts and names in any script: UTF-8 whatever the locale, with or without a byte order mark or carriage returns."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import inference
from inference.run import Run
from jetvae.__main__ import main
from recipes import names

ROOT = Path(__file__).parents[2]
OUT = "Ergebnisse für µ/日本"
QUICK = ["--epochs", "1", "--set", "data.files=['toy:curve(n=400)']", "--set", "training.compile=false"]


def marked(path, text):
    """Write a text as an editor of another system does."""
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a recipe of another system, trained where the locale knows ASCII alone."""
    home = tmp_path_factory.mktemp("ü ö")
    marked(home / "rezept µ.toml", (ROOT / "recipes" / "vae-toy.toml").read_text(encoding="utf-8") + "# µ\n")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home)} | locale
    words = [sys.executable, "-m", "jetvae", "train", "rezept µ.toml", *QUICK, "--out", OUT]
    done = subprocess.run(words, cwd=home, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"\\u65e5\\u672c" in done.stdout  # what the terminal has no letters for
    assert done.stdout.isascii()
    return home


def test_a_run_of_an_ascii_locale_is_read_in_any_other(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    run = Run.open(OUT)
    assert run.complete
    assert main(["encode", OUT, "toy:curve(n=300)", "-o", "日本.parquet"]) == 0
    assert len(pd.read_parquet("日本.parquet")) == 300
    assert main(["report", OUT, "-o", "Übersicht 1.html"]) == 0
    assert OUT in (folder / "Übersicht 1.html").read_text(encoding="utf-8")
    assert "日本.parquet" in capsys.readouterr().out


def test_texts_of_a_run_may_have_been_edited_elsewhere(folder):
    path = folder / OUT
    (path / "SHA256SUMS").unlink()
    before = Run.open(path)
    expected = before.recipe, before.history, before.provenance
    for name in ("config.toml", "provenance.json", "history.csv"):
        marked(path / name, (path / name).read_text(encoding="utf-8"))
    after = Run.open(path)
    assert (after.recipe, after.history, after.provenance) == expected


@pytest.mark.parametrize("name", names())
def test_recipes_of_another_system(tmp_path, name):
    marked(tmp_path / "recipe.toml", inference.read(name).to_toml())
    assert inference.read(tmp_path / "recipe.toml") == inference.read(name)


def test_a_name_that_is_not_utf_8_is_one_line(tmp_path, capsys):
    name = os.fsdecode(bytes(tmp_path) + b"/\xb5.npy")
    Path(name).write_bytes(b"")
    words = ["train", "vae-toy", "--set", "training.epochs=1", "--data", name, "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert capsys.readouterr().err.count("error: ") == 1
