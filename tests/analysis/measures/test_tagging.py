"""AUC and its error against scipy and closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import mannwhitneyu, norm

from analysis import auc, roc
from analysis.measures.categories import category


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_the_mann_whitney_statistic(ties):
    random = np.random.default_rng(0)
    signal, background = random.normal(0.7, 1, 311), random.normal(0, 1, 207)
    if ties:
        signal, background = signal.round(0), background.round(0)
    expected = mannwhitneyu(signal, background).statistic / (len(signal) * len(background))
    assert auc(signal, background).value == pytest.approx(expected, abs=1e-12)
    assert auc(background, signal).value == pytest.approx(1 - expected, abs=1e-12)


def test_error_is_the_spread_over_samples():
    """Two unit Gaussians a distance d apart: AUC = Phi(d / sqrt 2); bootstrap error against 400 fresh samples."""
    random = np.random.default_rng(1)
    values = [auc(random.normal(1, 1, 300), random.normal(0, 1, 300), repeats=2).value for _ in range(400)]
    assert np.mean(values) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=4 * np.std(values) / 20)
    error = auc(random.normal(1, 1, 300), random.normal(0, 1, 300), repeats=400).error
    assert error == pytest.approx(np.std(values), rel=0.15)  # each is known to 4-5 %


def test_roc_ends_and_rises():
    random = np.random.default_rng(2)
    curve = roc(random.normal(1, 1, 50), random.normal(0, 1, 70))
    for axis in curve:
        assert axis[0] == 0
        assert axis[-1] == 1
        assert (np.diff(axis) >= 0).all()


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="both classes"):
        auc(np.ones(3), np.ones(0))


@pytest.mark.parametrize("swapped", [False, True])
def test_category_is_oriented_by_width_alone(swapped):
    """Swapping the categories changes their names; calling the narrow class the signal turns the AUC round."""
    random = np.random.default_rng(0)
    wide = np.arange(400) < 100
    p = np.where(wide, random.beta(3, 1, 400), random.beta(1, 3, 400))
    points = np.stack([p, 1 - p] if swapped else [1 - p, p], 1)
    table = {
        "point": (("jet", "coordinate"), np.column_stack([random.normal(size=400), points])),
    }
    labels = {"coordinate": ["R1_0", "C2_0", "C2_1"], "kind": ("coordinate", ["real", "category", "category"])}
    known = {"class_name": ("jet", np.where(wide, "top", "qcd")), "width": ("jet", np.where(wide, 0.2, 0.1))}
    tree = xr.DataTree.from_dict({"guide_params": xr.Dataset(table, labels), "constant_data": xr.Dataset(known)})
    found = category(tree, "top")
    expected = mannwhitneyu(p[wide], p[~wide]).statistic / (100 * 300)
    assert found["chosen"] == ("C2_0" if swapped else "C2_1")
    assert found["auc"]["value"] == pytest.approx(expected)
    assert found["accuracy"]["value"] == pytest.approx(np.mean((p > 0.5) == wide))
    assert category(tree, "qcd")["auc"]["value"] == pytest.approx(1 - expected)
    assert category(tree, "w") == {}
