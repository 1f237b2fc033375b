"""Latents whose meaning is known, and the KL of each coordinate of spaces of every make."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.meaning import coordinate_kl, kl_along, meaning, strongest


@pytest.mark.parametrize(
    ("observable", "where", "least"),
    [
        ("mass", "R4_2", 0.999),
        ("true angle", "R4_0, R4_1", 0.999),
        ("true azimuth", "R4_0, R4_1", 0.96),  # 1 - 2/sqrt(N): angles are never quite uniform
    ],
)
def test_meaning_names_what_was_put_in(known_tree, observable, where, least):
    found = meaning(known_tree).isel(sample=0)
    name, value = strongest(found)[observable]
    assert name == where or (observable == "true azimuth" and name == "S1_0")
    assert abs(value) > least
    assert str(found["best"].sel(coordinate="R4_2").values) == "mass"
    assert str(found["best"].sel(coordinate="S1_0").values) == "true azimuth"
    assert abs(found["correlation"].sel(coordinate="R4_3")).max() < 0.06
    assert float(found["together"].sel(observable=observable)) > (0.9 if observable != "true angle" else -1)
    assert float(found["correlation"].sel(coordinate="S1_0", observable="true axis")) > 0.96, "it turns twice"


def spaced(points, terms):
    """One jet of coordinates (name -> factor), and the KL of terms (name -> factor, coordinate, nats)."""
    factors, term_factors, coordinates, nats = list(points.values()), *zip(*terms.values(), strict=True)
    labels = {"kl_term": list(terms), "factor": ("kl_term", list(term_factors))}
    kl = xr.Dataset({"kl": (("jet", "kl_term"), [nats])}, labels | {"coordinate_name": ("kl_term", list(coordinates))})
    own = {"coordinate": list(points), "factor": ("coordinate", factors)}
    point = xr.Dataset({"point": (("jet", "coordinate"), np.zeros((1, len(points))))}, own)
    return xr.DataTree.from_dict({"guide_params": point, "information": kl})


SUPERPOSITION = spaced(
    {"M2_0": "M2", "M2_1": "M2", "M2_R1_0": "M2_R1", "M2_R2_0": "M2_R2", "M2_R2_1": "M2_R2"},
    {
        "M2": ("M2", "", 0.6),
        "M2_R1_0": ("M2_R1", "M2_R1_0", 1.0),
        "M2_R2_0": ("M2_R2", "M2_R2_0", 2.0),
        "M2_R2_1": ("M2_R2", "M2_R2_1", 3.0),
    },
)
SHARED = spaced(
    {"D3_0": "D3", "D3_1": "D3", "D3_2": "D3", "D3b_0": "D3b", "R1_0": "R1"},
    {"R1_0": ("R1", "R1_0", 0.5), "D3": ("D3", "", 1.5)},
)


def test_kl_of_each_coordinate_of_a_superposition():
    """What the category tells is shared by its probabilities alone; coordinates within have their own."""
    found = coordinate_kl(SUPERPOSITION)
    assert found["coordinate"].values.tolist() == ["M2_0", "M2_1", "M2_R1_0", "M2_R2_0", "M2_R2_1"]
    np.testing.assert_allclose(found, [0.3, 0.3, 1.0, 2.0, 3.0])


def test_kl_that_does_not_split_is_shared():
    """By the coordinates of its own factor, not of one whose name begins alike; that has none recorded."""
    np.testing.assert_allclose(coordinate_kl(SHARED), [0.5, 0.5, 0.5, np.nan, 0.5])


@pytest.mark.parametrize(
    ("factor", "coordinate", "nats"),
    [("M2", "", 0.6), ("M2_R2", "", 5.0), ("M2_R2", "M2_R2_1", 3.0), ("M2", "M2_0", 0.6), ("R1", "", np.nan)],
)
def test_kl_along_a_path(factor, coordinate, nats):
    kl = SUPERPOSITION["information"]["kl"].mean("jet")
    assert kl_along(kl, factor, coordinate) == pytest.approx(nats, nan_ok=True)
