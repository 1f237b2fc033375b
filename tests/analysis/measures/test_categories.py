"""Agreement of a latent category with classes that it never saw."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import mannwhitneyu

from analysis.measures.categories import category, shares


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


@pytest.mark.parametrize("weighted", [False, True])
def test_shares_are_means_by_class(weighted):
    """As pandas has them; a class without jets has no row, and of two categories the first is meant."""
    random = np.random.default_rng(1)
    p, label = random.dirichlet((1, 2, 3), 60), random.choice(["qcd", "w"], 60)
    weight = random.uniform(0.5, 2, 60) if weighted else np.ones(60)
    other = random.dirichlet((1, 1), 60)
    names = ["M3_0", "M3_1", "M3_2", "R1_0", "C2_0", "C2_1"]
    labels = {
        "coordinate": names,
        "factor": ("coordinate", [name[:2] for name in names]),
        "kind": ("coordinate", ["category"] * 3 + ["real"] + ["category"] * 2),
    }
    table = {"point": (("jet", "coordinate"), np.column_stack([p, random.normal(size=60), other]))}
    known = {"class_name": ("jet", label)} | ({"weight": ("jet", weight)} if weighted else {})
    tree = xr.DataTree.from_dict({"guide_params": xr.Dataset(table, labels), "constant_data": xr.Dataset(known)})
    tree.attrs["classes"] = ["qcd", "top", "w"]
    found = shares(tree)
    frame = pd.DataFrame(p * weight[:, None]).groupby(label).sum().div(pd.Series(weight).groupby(label).sum(), axis=0)
    assert found["class"].values.tolist() == ["qcd", "w"]
    np.testing.assert_allclose(found.transpose("class", "category"), frame)
    alone = xr.DataTree.from_dict({"guide_params": tree["guide_params"].to_dataset().isel(coordinate=[3])})
    assert shares(alone) is None
