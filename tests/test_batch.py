"""The files for batch systems: sound, and taken by a real Slurm where there is one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from jetvae.__main__ import parser_of
from jetvae.commands import work

BATCH = Path(__file__).parents[1] / "docs" / "batch"


def command_in(text):
    """Return the words of the jetvae command of a file."""
    line = next(line for line in text.splitlines() if "jetvae work" in line and not line.startswith("#"))
    return line.partition("jetvae work ")[2].split()


@pytest.mark.parametrize("name", ["slurm.sh", "condor.sub"])
def test_files_call_the_command_of_today(name):
    words = command_in((BATCH / name).read_text(encoding="utf-8"))
    options = parser_of("work", work).parse_args(["scan" if "$" in word else word for word in words])
    assert options.no_wait


def test_script_is_sound_and_asks_for_the_scan(tmp_path):
    assert subprocess.run(["bash", "-n", BATCH / "slurm.sh"], check=False).returncode == 0
    nothing = {name: value for name, value in os.environ.items() if name != "SCAN"}
    found = subprocess.run(
        ["bash", BATCH / "slurm.sh"], env=nothing, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode != 0
    assert "SCAN: the folder of the scan" in found.stderr


def test_slurm_takes_it(tmp_path):
    if not shutil.which("sbatch") or subprocess.run(["sinfo"], capture_output=True, check=False).returncode:
        pytest.skip("no Slurm here")
    words = ["sbatch", "--test-only", "--mem=1G", BATCH / "slurm.sh"]
    found = subprocess.run(
        words, env=os.environ | {"SCAN": "scan"}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert "to start at" in found.stderr
