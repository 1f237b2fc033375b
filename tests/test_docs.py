"""Python examples, commands, recipes, names and links of README and docs hold; the wheel works outside the checkout."""

import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from inference.recipe import read
from jetvae.__main__ import command_module, index, parser_of
from jetvae.commands import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WRITTEN = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "benchmarks/RESULTS.md"]
QUICK = ["--epochs", "1"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
DOORS = {"jetvae ": "", "python -m inference.svi": "train", "python -m analysis.report": "report"}
"""How a command begins -> the command of jetvae that it is."""
OURS = r"(?:jetvae|jets|priors|models|inference|analysis|recipes|benchmarks|tests|docs)"


def blocks(page, language):
    return [content for name, content in FENCED.findall(page.read_text()) if name == language]


def inline(page):
    """Return the inline code of a page, line breaks as spaces."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", FENCED.sub("", page.read_text()))]


def commands(page):
    """Return the words behind ``jetvae`` of every command line that a page shows; what has an ellipsis is none."""
    lines = [line for _, content in FENCED.findall(page.read_text()) for line in content.splitlines()]
    lines += [part.strip() for code in inline(page) for part in code.split(";")]
    for line in lines:
        for door, name in DOORS.items():
            if line.startswith(door) and "..." not in line:
                yield [*name.split(), *shlex.split(line.removeprefix(door), comments=True)]


SHOWN = [pytest.param(words, id=f"{page.name}: {' '.join(words)}") for page in WRITTEN for words in commands(page)]


@pytest.mark.parametrize("words", SHOWN)
def test_commands_parse(words, capsys):
    name, *rest = words
    if not rest:  # an option of jetvae itself, or a command named in a sentence
        assert parses(index(), [name]), capsys.readouterr().err
        return
    module = command_module(name)
    parser, rest = parser_of(name, module), getattr(module, "ordered", list)(rest)
    assert parses(parser, rest), capsys.readouterr().err


def parses(parser, words):
    """Whether a parser takes words, or answers --help."""
    try:
        parser.parse_args(words)
    except SystemExit as stop:
        return stop.code == 0
    return True


def test_commands_are_found():
    assert {words[0] for page in PAGES for words in commands(page)} >= set(COMMANDS)


def test_readme_commands(tmp_path):
    (block,) = [block for block in blocks(PAGES[0], "sh") if "jetvae train" in block]
    lines = [shlex.split(line) for line in block.splitlines()]
    assert [words[:2] for words in lines] == [["jetvae", name] for name in ("train", "summary", "report")]
    for words in lines:
        done = start(["-m", *words, *(QUICK if "train" in words else [])], tmp_path, ROOT)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/mine/report.html").exists()


def start(words, folder, packages):
    """Run Python in ``folder`` with our packages found in ``packages``."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "\n".join(blocks(page, "python")).replace("epochs=30", "epochs=1")
    exec(compile(code, str(page), "exec"), {"__name__": "__example__"})


NOTEBOOKS = sorted([*(ROOT / "docs").glob("*.ipynb"), *(ROOT / "docs/tutorials").glob("*.ipynb")])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_sources(notebook):
    """They are run by ``make docs``: here each cell is Python, and none holds what an earlier run printed."""
    found = json.loads(notebook.read_text())
    cells = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
    assert found["metadata"]["kernelspec"]["name"] == "python3"
    assert len(cells) >= 4
    for cell in cells:
        compile("".join(cell["source"]), str(notebook), "exec")
        assert not cell["outputs"]
        assert cell["execution_count"] is None


def test_recipes_that_pages_show(tmp_path):
    shown = [block for page in PAGES for block in blocks(page, "toml")]
    for i, block in enumerate(shown):
        path = tmp_path / f"{i}.toml"
        path.write_text(block)
        read(path)
    assert len(shown) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page):
    """What inline code calls a module, a function or a file of ours is there."""
    for code in inline(page):
        if re.fullmatch(rf"{OURS}(\.\w+)+(\(.*\))?", code) and not code.endswith((".nc", ".py")):
            pkgutil.resolve_name(code.split("(")[0])
        elif re.fullmatch(rf"{OURS}/[\w/.*-]*", code):
            assert list(ROOT.glob(code)), code


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
    (entry,) = site.glob("jetvae-*.dist-info/entry_points.txt")
    assert "jetvae = jetvae.__main__:main" in entry.read_text()
    assert len([*site.glob("*/py.typed")]) == 7  # of each package
    (tmp_path / "work").mkdir()
    for words in (["train", *QUICK, "--out", str(tmp_path / "run")], ["report", str(tmp_path / "run")]):
        done = start(["-m", "jetvae", *words], tmp_path / "work", site)
        assert done.returncode == 0, done.stderr
    check = "import jetvae, jets, recipes, analysis; print(jetvae.__file__, jets.__file__, recipes.__file__)"
    assert start(["-c", check], tmp_path, site).stdout.count(str(site)) == 3
