"""A user's own ``models.py``, ``analysis/``, ``inference.py``, ``random.py`` beside: nothing of ours is hidden."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("models.py", "random.py", "jets.py", "analysis/__init__.py")
QUICK = ["--epochs", "1", "--fraction", "qcd=.02", "top=.02", "--out", "run"]


def start(words, folder):
    """Run Python in ``folder``; our packages are found behind it, as those of an installed wheel."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def crowded(tmp_path):
    for name in OWN:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('the user’s own file was imported')\n", encoding="utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("door", [["-m", "jetvae", "train"], ["-m", "inference.svi"]])
def test_training_and_report_in_a_crowded_folder(crowded, door):
    for words in ([*door, *QUICK], ["-m", "jetvae", "report", "run"]):
        done = start(words, crowded)
        assert done.returncode == 0, done.stderr
    assert (crowded / "run/report.html").exists()


def test_a_family_of_the_users_is_found(crowded):
    (crowded / "mine.py").write_text(
        "import pyro.distributions as dist\n"
        "from priors import Latent\n"
        "Heavy = Latent.from_distributions('heavy', prior=dist.Laplace(0.0, 1.0), posterior=dist.Laplace)\n"
    )
    done = start(["-m", "jetvae", "train", "--latent", "mine:Heavy(2)", *QUICK], crowded)
    assert done.returncode == 0, done.stderr


def test_a_folder_with_inference_py(crowded):
    """There ``python -m inference.svi`` is not ours, which Python says; the command works."""
    (crowded / "inference.py").write_text("")
    done = start(["-m", "inference.svi", "--help"], crowded)
    assert done.returncode != 0
    assert "'inference'" in done.stderr
    assert "Traceback" not in done.stderr
    assert start(["-m", "jetvae", "train", "--help"], crowded).returncode == 0


def test_import_in_a_crowded_folder_names_the_file(crowded):
    """A script of the user's own finds its own ``models`` first; one line says so."""
    (crowded / "models.py").write_text("")
    (crowded / "random.py").unlink()
    done = start(["-c", "import jetvae; jetvae.load"], crowded)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert "hides jetvae's package" in last


def test_console_script_is_declared():
    import tomllib

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"jetvae": "jetvae.__main__:main"}
