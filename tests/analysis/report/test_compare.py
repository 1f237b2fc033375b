"""Two runs side by side."""

from analysis.report.sections import QUESTIONS
from jetvae.__main__ import main


def test_two_runs_side_by_side(run, printed, outline, tmp_path, monkeypatch):
    """A run and itself: no difference, every figure twice under ids of its own (of two questions, to be quick)."""
    monkeypatch.setattr("analysis.report.compare.QUESTIONS", QUESTIONS[:2])
    out = tmp_path / "two.html"
    assert main(["report", "--compare", str(run.path), str(run.path), "--out", str(out)]) == 0
    text = out.read_text()
    assert "agree within two errors (0 nat per jet, the same jets, paired)" in text
    assert "Their recipes are the same." in text
    found = outline(text)
    assert len(set(found.ids)) == len(found.ids)
    assert {"a-losses-caption", "b-losses-caption"} <= set(found.references)
