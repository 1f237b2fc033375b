"""A run folder cannot execute code: what its recipe names is imported only where the user says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jetvae
from priors import LatentStringError

ROOT = Path(__file__).parents[2]
CANARY = "import pathlib; pathlib.Path('{canary}').write_text('ran')\n"
ADDRESSES = ["evilmod:Evil", "os:_exit", "signal:raise_signal", "time:sleep", "priors.latent:torch", "builtins:print"]
COMMANDS = {
    "summary": [],
    "report": [],
    "dimension": [],
    "meaning": [],
    "information": [],
    "anomaly": [],
    "trust": [],
    "nuts": [],
    "encode": ["sample:w", "-o", "x.csv"],
    "generate": ["-o", "x.nc"],
    "export": ["-o", "exported"],
}


@pytest.fixture(scope="module")
def hostile(trained, tmp_path_factory):
    """A folder with a finished run, and ``evilmod.py`` beside it, which leaves a canary when it is imported."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "evilmod.py").write_text(
        CANARY.format(canary=folder / "canary")
        + "from priors import Normal\nclass Evil(Normal):\n    symbol = 'Evil'\n"
    )
    shutil.copytree(trained.path, folder / "run", ignore=shutil.ignore_patterns("*.nc", "*.html"))
    for name in ("provenance.json", "SHA256SUMS"):
        (folder / "run" / name).unlink()
    return folder


def with_latent(folder, latent):
    config = folder / "run" / "config.toml"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("latent =")]
    at = lines.index("[model]") + 1
    config.write_text("\n".join([*lines[:at], f'latent = "{latent}"', *lines[at:]]) + "\n")


def start(words, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "jetvae", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_that_a_recipe_names_is_imported_or_called(hostile, address):
    with_latent(hostile, f"{address}(60)")
    done = start(["summary", "run"], hostile)
    assert done.returncode == 2
    assert not (hostile / "canary").exists()
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert address in line
    assert "--trust-code" in line or "no subclass of priors.Latent" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_that_reads_a_run_imports(hostile, command, monkeypatch, capsys):
    from jetvae.__main__ import main

    monkeypatch.chdir(hostile)
    with_latent(hostile, "evilmod:Evil(2)")
    code = main([command, "run", *COMMANDS[command]])
    said = capsys.readouterr().err
    if command == "report":  # a page of what there is, which says what is missing and why
        said = Path("run/report.html").read_text()
    assert code == (0 if command == "report" else 2)
    assert "--trust-code" in said
    assert not (hostile / "canary").exists()
    assert "evilmod" not in sys.modules


def test_trusted_code_is_imported(hostile):
    with_latent(hostile, "evilmod:Evil(2)")
    done = start(["summary", "run", "--trust-code"], hostile)
    assert (hostile / "canary").read_text() == "ran"
    assert done.returncode == 2  # the weights are of another model
    (hostile / "canary").unlink()


def test_even_trusted_code_must_be_a_family(hostile):
    with_latent(hostile, "os:_exit(0)")
    done = start(["summary", "run", "--trust-code"], hostile)
    assert done.returncode == 2
    assert "os:_exit is no subclass of priors.Latent" in done.stderr


def test_in_python(hostile, monkeypatch):
    monkeypatch.chdir(hostile)
    with_latent(hostile, "evilmod:Evil(2)")
    with pytest.raises(LatentStringError, match="trust=True"):
        _ = jetvae.open("run").recipe
    assert "evilmod" not in sys.modules
    try:
        assert jetvae.open("run", trust=True).recipe.model.latent == "evilmod:Evil(2)"
        assert jetvae.open("run").recipe.model.latent == "evilmod:Evil(2)"  # imported already: nothing runs
    finally:
        sys.modules.pop("evilmod", None)
        (hostile / "canary").unlink()
