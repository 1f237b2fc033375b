"""Correlation dimension on samples whose dimension is known, and of jets."""

import numpy as np
import pytest

from jets import dimension
from jets.dimension import ball, ball_estimate, correlation_dimension, euclidean, takens_dimension


@pytest.mark.parametrize("d", range(1, 9))
def test_uniform_balls(d):
    """Within 10 % up to eight dimensions with 2,000 points: the estimate's own error is 2 % (2,000 pairs)."""
    estimates = [ball_estimate(d, 2000, seed) for seed in range(3)]
    assert np.mean(estimates) == pytest.approx(d, rel=0.1)


def test_the_bias_of_high_dimensions_needs_more_points():
    """At d = 12 the boundary hides a tenth of the dimension from 2,000 points."""
    assert np.mean([ball_estimate(12, 2000, seed) for seed in range(3)]) < 0.93 * 12


@pytest.mark.parametrize("d", [1, 2, 4])
def test_slopes_and_their_errors(d):
    scales = np.array([0.1, 0.15, 0.2])
    found = [correlation_dimension(euclidean(ball(d, 800, seed)), scales, bootstrap=20) for seed in range(20)]
    slopes = np.array([one.dimension for one in found])
    assert slopes.mean(0) == pytest.approx(np.full(2, d), rel=0.15)
    ratio = np.mean([one.error for one in found], 0) / slopes.std(0, ddof=1)
    assert ((ratio > 0.6) & (ratio < 2)).all()


def test_dimension_depends_on_scale():
    """A thin ribbon is a surface from nearby and a line from afar."""
    points = np.random.default_rng(0).random((2000, 2)) * np.array([1.0, 0.02])
    found = correlation_dimension(euclidean(points), np.array([0.002, 0.004, 0.1, 0.2]))
    assert found.dimension[0] == pytest.approx(2, abs=0.25)
    assert found.dimension[2] == pytest.approx(1, abs=0.15)


def test_copies_of_points_and_empty_scales():
    points = np.repeat(ball(2, 100), 2, axis=0)
    assert np.isfinite(takens_dimension(euclidean(points), 0.02)[0])
    found = correlation_dimension(euclidean(ball(2, 50)), np.array([1e-6, 1e-5, 0.5, 1.0]), bootstrap=5)
    assert np.isnan(found.dimension[0])
    assert np.isfinite(found.dimension[2])


@pytest.mark.parametrize(
    ("distances", "scales", "message"),
    [
        (np.zeros((3, 4)), [1, 2], "square"),
        (np.zeros((3, 3)), [1], "at least two"),
        (np.zeros((3, 3)), [2, 1], "increasing"),
    ],
)
def test_bad_input(distances, scales, message):
    with pytest.raises(ValueError, match=message):
        correlation_dimension(distances, scales)


@pytest.mark.slow
def test_the_figure(tmp_path, capsys):
    """W and top jets have more dimensions than QCD jets just below their masses; all have few at large scales."""
    file = tmp_path / "dimension.png"
    dimension.main([str(file), "--jets", "200", "--points", "300"])
    assert file.stat().st_size > 10_000
    at = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if "GeV" in line}
    curves = {kind: [float(word.split("+-")[0]) for word in line.split()[3::3]] for kind, line in at.items()}
    assert curves["w"][10] > 2 * curves["qcd"][10]
    assert curves["top"][12] > 2 * curves["w"][12]
    assert max(curves["top"][-1], curves["w"][-1], curves["qcd"][-1]) < 0.3
