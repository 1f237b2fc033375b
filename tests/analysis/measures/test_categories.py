"""Agreement of a latent category with classes that it never saw."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import mannwhitneyu

from analysis.measures.categories import category


@pytest.mark.parametrize("swapped", [False, True])
def test_category_is_oriented_by_width_alone(swapped):
    """Swapping the categories changes their names; calling the narrow class the signal turns the AUC round."""
    random = np.random.default_rng(0)
    wide = np.arange(400) < 100
    p = np.where(wide, random.beta(3, 1, 400), random.beta(1, 3, 400))
    points = np.stack([p, 1 - p] if swapped else [1 - p, p], 1)
    table = {"point": (("jet", "coordinate"), np.column_stack([random.normal(size=400), points]))}
    labels = {
        "coordinate": ["R1_0", "C2_0", "C2_1"],
        "factor": ("coordinate", ["R1", "C2", "C2"]),
        "kind": ("coordinate", ["real", "category", "category"]),
    }
    known = {"class_name": ("jet", np.where(wide, "top", "qcd")), "width": ("jet", np.where(wide, 0.2, 0.1))}
    tree = xr.DataTree.from_dict({"guide_params": xr.Dataset(table, labels), "constant_data": xr.Dataset(known)})
    found = category(tree, "top")
    expected = mannwhitneyu(p[wide], p[~wide]).statistic / (100 * 300)
    assert found["chosen"] == ("C2_0" if swapped else "C2_1")
    assert found["auc"]["value"] == pytest.approx(expected)
    assert found["accuracy"]["value"] == pytest.approx(np.mean((p > 0.5) == wide))
    assert category(tree, "qcd")["auc"]["value"] == pytest.approx(1 - expected)
    assert category(tree, "w") == {}
