"""A page comes of a damaged run, and says what is missing."""

import pytest

from analysis.report.inputs import of_run
from analysis.report.run_page import page_of
from analysis.report.sections import QUESTIONS
from inference.folder import CHECKPOINT, WEIGHTS

SAID = {
    "config.toml": "could not be evaluated",
    "provenance.json": "provenance.json",
    "history.csv": "no epoch is recorded",
    WEIGHTS: "Training is not complete",
}
"""File -> what the page says without it, where the run was not evaluated before."""
OTHERS = ("history.nc", CHECKPOINT)


def drawn(sections):
    return [part.name for section in sections for part in section.parts if part.figure is not None]


def said(known, sections):
    parts = [part for section in sections for part in section.parts]
    return "\n".join([*known.notes, *(part.missing for part in parts), *(part.reading for part in parts)])


@pytest.mark.parametrize("lost", [*SAID, *OTHERS])
def test_a_lost_file_is_named_and_the_rest_shown(copied, lost):
    """Of a run that was not evaluated before."""
    known = of_run(copied(lost, "analysis.nc"))
    sections = page_of(known).sections
    assert len(sections) == len(QUESTIONS)
    assert SAID.get(lost, "") in said(known, sections)
    everything = {"kl_spectrum", "meaning", "jet_images", "roc_curves", "latent_histograms", "score_histograms"}
    expected = set() if lost in ("config.toml", "provenance.json") else everything
    assert set(drawn(sections)) == expected | (set() if lost == "history.csv" else {"losses"})
    if lost in OTHERS:
        assert known.notes == []


@pytest.mark.parametrize("lost", ["config.toml", WEIGHTS])
def test_a_kept_evaluation_outlives_the_run(copied, printed, lost):
    """Only the kept tree is needed for the numbers."""
    known = of_run(copied(lost))
    assert {"kl_spectrum", "roc_curves", "losses"} <= set(drawn(page_of(known).sections))


@pytest.mark.parametrize("name", ["history.csv", "config.toml", "analysis.nc"])
def test_a_file_cut_in_half(copied, printed, name):
    """A page comes of it all the same, while it trains or of before checksums."""
    folder = copied("SHA256SUMS", *([] if name == "analysis.nc" else ["analysis.nc"]))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    sections = page_of(of_run(folder)).sections
    assert "losses" in drawn(sections)


def test_a_damaged_file_of_a_finished_run_is_named(copied, printed):
    """And a page comes of the rest: losses too, from the kept evaluation."""
    folder = copied()
    content = (folder / "history.csv").read_bytes()
    (folder / "history.csv").write_bytes(content[:-2] + b"7\n")
    known = of_run(folder)
    sections = page_of(known).sections
    assert "history.csv" in said(known, sections)
    assert "SHA256SUMS" in said(known, sections)
