"""The page on new priors runs, and its five lines train from the command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyro
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "new-prior.md"

FIVE_LINES = """
import pyro.distributions as dist
from priors import Latent
Prior = Latent.from_distributions("laplace", prior=dist.Laplace(0.0, 1.0), posterior=dist.Laplace)
"""


def test_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {"__name__": "__example__"})
    sys.modules.pop("my_priors", None)
    pyro.clear_param_store()


@pytest.mark.slow
def test_five_lines_train_from_the_command_line(tmp_path):
    (tmp_path / "tests_ext.py").write_text(FIVE_LINES)
    command = [sys.executable, "-m", "inference.svi", "--latent", "tests_ext:Prior(2)", "--epochs", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "tests_ext:Prior(2)" in (tmp_path / "run" / "config.toml").read_text()
