"""Two runs side by side."""

import numpy as np
import pytest
import xarray as xr

from analysis.report.compare import difference
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


@pytest.mark.parametrize("negative", [0.0, 0.2])
def test_differences_by_event_weights(negative):
    """Of the same jets and of others, against sums by hand."""
    random = np.random.default_rng(0)
    weight = random.exponential(1, 200) * np.where(random.random(200) < negative, -1, 1)
    values = random.normal(size=(2, 200))
    groups = [
        {"sample_stats": xr.Dataset({"elbo": ("jet", x)}), "constant_data": xr.Dataset({"weight": ("jet", weight)})}
        for x in values
    ]
    trees = [xr.DataTree.from_dict(each) for each in groups]
    means = values @ weight / weight.sum()
    spread = [np.sqrt((weight**2 * (x - m) ** 2).sum()) / weight.sum() for x, m in zip(values, means, strict=True)]
    assert difference("elbo", trees, paired=False) == pytest.approx((means[1] - means[0], np.hypot(*spread)))
    apart = values[1] - values[0]
    error = np.sqrt((weight**2 * (apart - apart @ weight / weight.sum()) ** 2).sum()) / weight.sum()
    assert difference("elbo", trees, paired=True) == pytest.approx((means[1] - means[0], error))
