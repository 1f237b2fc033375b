"""Every Python example and every command of README and docs runs; the wheel works outside the checkout."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
QUICK = ["--epochs", "1"]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "\n".join(blocks(page, "python")).replace("epochs=30", "epochs=1")
    exec(compile(code, str(page), "exec"), {"__name__": "__example__"})


def test_readme_commands(tmp_path):
    commands = [line for block in blocks(PAGES[0], "sh") for line in block.splitlines() if line.startswith("python -m")]
    assert len(commands) == 3
    for command in commands:
        words = shlex.split(command)[1:]
        words += QUICK if "inference.svi" in words else []
        done = start(words, tmp_path, ROOT)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/mine/report.html").exists()


def start(words, folder, packages):
    """Run Python in ``folder`` with our packages found in ``packages``."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_wheel_works_elsewhere(tmp_path):
    """Build the wheel, unpack it alone, and train from another folder."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (tmp_path / "work").mkdir()
    train = ["-m", "inference.svi", "image-dvae", *QUICK, "--out", str(tmp_path / "run")]
    for words in (train, ["-m", "analysis.report.run_page", str(tmp_path / "run")]):
        done = start(words, tmp_path / "work", site)
        assert done.returncode == 0, done.stderr
    check = "import jets, recipes, analysis; print(jets.__file__, recipes.__file__)"
    assert start(["-c", check], tmp_path, site).stdout.count(str(site)) == 2
