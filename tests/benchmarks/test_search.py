"""The benchmark of anomaly scores: a table of the embedded sample, small."""

import pytest

from benchmarks import search

pytest.importorskip("sklearn")


def test_table(capsys, monkeypatch):
    few = search.load

    def some(file):
        return few(file)[:1200]

    monkeypatch.setattr(search, "load", some)
    search.main(["sample:qcd", "sample:w", "--seeds", "1", "--contamination", "0", "0.05"])
    said = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in said if line.startswith("qcd w ")]
    assert [row[3] for row in rows] == ["0.000", "0.050"]
    pure, mixed = (float(row[6]) for row in rows)
    assert pure > 0.7
    assert mixed < pure
    assert any("supervised" in line for line in said)
