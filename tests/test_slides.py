"""Every slide of the two studies has its row in docs/slides.md, and every command there works, at its smallest size."""

import re
import shlex
from pathlib import Path

import pytest

from analysis.evaluation.ceiling import Effort
from analysis.studies import STUDIES
from jets import load, save
from jetvae.__main__ import main
from tests.smallest import option, small

PAGE = Path(__file__).parents[1] / "docs" / "slides.md"
SLIDES = [f"{talk} {number}" for talk, last in (("A", 17), ("B", 11)) for number in range(1, last + 1)]
CARD = 10
"""Rows of what was asked for besides."""
LEAVES = {
    "anomaly": "anomaly.nc",
    "dimension": "dimension/dimension.nc",
    "meaning": "meaning.nc",
    "nuts": "nuts.nc",
    "report": "report.html",
    "summary": "analysis.nc",
    "topology": "scan.nc",
    "trust": "trust.nc",
}
"""Command -> the file that it leaves in the folder of the run."""


def tables():
    """Return the name of each row of the page, such as ``A 1`` or ``Normal``, and its cells."""
    found, head = {}, ""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and set(cells[0]) != {"-"}:
            if cells[-1] == "where":
                head = cells[0]
            elif cells[-1] == "why they differ":
                return found
            else:
                found[f"{head} {cells[0]}".strip()] = cells[1:]
    return found


ROWS = tables()


def commands(row):
    """Return the words behind ``jetvae`` of each command of a row."""
    codes = re.findall(r"`jetvae ([^`]+)`", ROWS[row][-3])
    return [shlex.split(code.replace(r"\|", "|")) for code in codes]


GIVEN = [(row, words) for row in ROWS for words in commands(row)]
OWN = [words for _, words in GIVEN if words[0] != "study"]
TRAININGS = {words[words.index("--out") + 1]: words for words in OWN if words[0] == "train"}


def test_every_slide_has_a_row_with_a_command_or_says_that_it_is_not_answered():
    assert [row for row in ROWS if row[:2] in ("A ", "B ")] == SLIDES
    assert len(ROWS) == len(SLIDES) + CARD
    for row, cells in ROWS.items():
        answer, place = cells[-2:]
        assert commands(row) or "**not answered**" in answer, row
        assert re.search(r"\d", answer) or "**not answered**" in answer, row
        assert place, row


def test_their_numbers_stand_beside_ours():
    """Every slide again, with what the authors print."""
    beside = PAGE.read_text().partition("## Their numbers beside ours")[2]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in beside.splitlines()]
    numbered = [row[:3] for row in rows if row and row[0].isdigit()]
    assert [name for name, *_ in numbered] == [slide.split()[1] for slide in SLIDES]
    assert all(
        re.search(r"\d", theirs) or re.search("no number|not found|no comparison", theirs) for _, theirs, _ in numbered
    )
    assert all(re.search(r"\d", ours) or "default" in ours for _, _, ours in numbered)


def test_every_study_is_one():
    """They are run, each once, by ``tests/analysis/studies``."""
    studies = {words[1] for _, words in GIVEN if words[0] == "study"}
    assert len(studies) > 10
    assert studies <= set(STUDIES)


def test_every_place_is_there():
    """Headings as GitHub links them: lower case, hyphens for blanks, letters and digits kept."""
    for file, anchor in re.findall(r"\]\(([\w-]+\.md)(?:#([^)]+))?\)", PAGE.read_text()):
        heads = re.findall(r"^#+ (.*)", (PAGE.parent / file).read_text(), flags=re.M)
        slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
        assert not anchor or anchor in slugs, f"{file}#{anchor}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all commands are given, with 100 jets of each class."""
    place = tmp_path_factory.mktemp("slides")
    for name in ("qcd", "top", "w"):
        save(place / f"{name}.h5", load(f"sample:{name}")[:100])
    return place


@pytest.fixture
def given(folder, monkeypatch):
    """What gives a command in the folder, after the trainings that it reads, each once."""
    monkeypatch.chdir(folder)
    for kind in ("OF_JETS", "OF_POINTS"):
        monkeypatch.setattr(f"analysis.evaluation.ceiling.{kind}", Effort(1, 0.0))
    monkeypatch.setattr("analysis.evaluation.resolutions.POINTS", 3)
    monkeypatch.setattr("analysis.report.export.FORMATS", {"png": {}})

    def give(words):
        for needed in [word for word in words if word in TRAININGS and not Path(word).exists()]:
            assert main(small(TRAININGS[needed])) == 0
        return words[0] == "train" or main(small(words)) == 0

    return give


def leaves(words):
    """Return the file that a command leaves."""
    out = option(words, "--out")
    if words[0] == "draw":
        return (out or option(words, "-o") or ["latent_map.png" if words[1] == "latents" else f"{words[1]}.png"])[0]
    if words[0] == "simulate":
        return "_".join([words[1], *option(words, "--level")[:1]]) + ".h5"
    if words[0] == "train":
        return f"{out[0]}/{'scan.json' if '--seeds' in words else 'weights.safetensors'}"
    if words[0] == "meaning" and "--own-axes" in words:
        return f"{words[1]}/own_axes.nc"
    return f"{words[1]}/{LEAVES[words[0]]}"


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words in OWN])
def test_command(words, given, folder, capsys):
    if words[0] == "simulate":
        pytest.importorskip("pythia8mc")
    assert given(words)
    if words[0] == "information":
        assert "I(x; z)" in capsys.readouterr().out
    else:
        assert (folder / leaves(words)).exists()
