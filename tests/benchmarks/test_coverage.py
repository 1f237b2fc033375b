"""The exact references of the coverage: against the Shannon bound, known expansions, and each other."""

import numpy as np
import pytest

from benchmarks import coverage, coverage_exact
from benchmarks.coverage_exact import on_a_grid, rate_of_circle


@pytest.mark.parametrize(("dimension", "entropy"), [(1, np.log(2 * np.pi)), (2, np.log(4 * np.pi))])
def test_circle_and_sphere_end_in_the_shannon_bound(dimension, entropy):
    """The rate is less by the curvature: beta^2 / 2 for each dimension at 0.02, a little more than that at 0.3."""
    beta = np.array([0.02, 0.3])
    bound = entropy - dimension / 2 * np.log(2 * np.pi * np.e * beta**2)
    missing = (bound - rate_of_circle(beta, dimension)) / (dimension * beta**2 / 2)
    assert missing[0] == pytest.approx(1, abs=0.02)
    assert 1 < missing[1] < 1.25


def test_nothing_is_told_of_what_is_smaller_than_the_resolution():
    assert rate_of_circle([5.0])[0] == pytest.approx(0, abs=1e-6)
    assert on_a_grid(1.4) == pytest.approx(0, abs=1e-3)


def test_the_interval_is_above_the_shannon_bound_by_its_ends():
    """ln 1 - ln(2 pi e beta^2)/2 is a lower bound; what is above it falls with beta as the ends do."""
    above = [on_a_grid(beta) + np.log(2 * np.pi * np.e * beta**2) / 2 for beta in (0.02, 0.08)]
    assert 0 < above[0] < above[1] < 0.1


def test_boxes_add_up(monkeypatch):
    known = np.log(np.array([0.01, 1.0])), np.array([3.0, 0.0])
    monkeypatch.setattr(coverage_exact, "interval", lambda: known)
    one = coverage_exact.rate_of_intervals([0.1], [1.0])
    assert coverage_exact.rate_of_intervals([0.1], [1.0, 1.0]) == pytest.approx(2 * one)
    assert one == pytest.approx(1.5)


def test_one_training_is_trained_probed_and_measured(tmp_path, monkeypatch, capsys):
    """At the smallest size: curves, errors and exact values as long as the resolutions, and a report of them."""
    monkeypatch.setattr(coverage, "LENGTHS", {"vae-gaussian": (1, 2, 3), "vae-toy": (1, 2, 3)})
    small = coverage.SAMPLES["gaussian 9,3,1,.33"]
    monkeypatch.setitem(coverage.SAMPLES, "gaussian 9,3,1,.33", small._replace(toy=f"{small.toy}n=600, "))
    out = tmp_path / "rows.jsonl"
    coverage.main(["--seeds", "1", "--samples", "gaussian 9,3,1,.33", "--out", str(out)])
    rows = coverage.kept(out)
    assert [row["epochs"] for row in rows] == [1, 2, 3]
    assert {len(row[name]) for row in rows for name in ("D", "D_error", "D_exact", "converged", "gain")} == {15}
    assert "within 1 error" in capsys.readouterr().out
    coverage.main(["--seeds", "0", "--out", str(out)])
    assert "short, 1 runs" in capsys.readouterr().out
