"""Two kills of each of the quick kinds: all of them, twenty times each, is ``python -m benchmarks.kill``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_what_is_killed_goes_on_to_the_same():
    """A failure prints the moments and what differed; the seed repeats them, the machine's load does not."""
    words = [sys.executable, "-m", "benchmarks.kill", "--times", "2", "--kinds", "training", "pairwise", "convert"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("training", "pairwise", "convert"))]
    assert [row[1] for row in rows] == ["2", "2", "2"]
    assert all(int(row[3]) >= 1 for row in rows)
