"""What the sentence on rulers says of information made up."""

import numpy as np
import pytest
import xarray as xr

from analysis.studies.rulers import RULERS, SEEDS, agreement, apart, relative, rulers

NAMES = ["EMD", "MMD", "spectral"]


def found(nats, spread=0.05, consistent=(True, True, True)):
    """Three rulers with ``nats`` (ruler, other)."""
    scale = np.geomspace(0.05, 0.5, 5)
    curve = np.outer([4.0, 4.1, 2.0], np.linspace(1, 0, 5))
    columns = dict.fromkeys(("D1", "D2", "kl"), (("ruler", "scale"), curve))
    columns |= {f"{name}_error": (("ruler", "scale"), np.full((3, 5), 0.1)) for name in ("D1", "D2", "kl")}
    columns["consistent"] = (("ruler", "scale"), np.outer(consistent, [True] * 5))
    columns["typical"], columns["used"] = ("ruler", [0.1, 0.5, 0.1]), (("ruler", "seed"), np.full((3, 2), 4))
    bounds = np.asarray(nats)[..., None] + np.array([-0.2, 0.2])
    columns["information"] = (("ruler", "other", "bound"), bounds)
    columns["information_spread"] = (("ruler", "other"), np.full((3, 3), spread))
    columns["information_error"] = (("ruler", "other"), np.full((3, 3), 0.01))
    labels = {"ruler": NAMES, "other": NAMES, "scale": scale, "bound": ["lower", "upper"]}
    return xr.Dataset(columns, labels, {"at": 0.1, "seeds": SEEDS})


NESTED = [[3.0, 2.9, 1.5], [2.9, 3.0, 1.4], [1.5, 1.4, 1.5]]
"""The first two agree; the third holds half of what they do, all of which they tell."""


def test_what_is_nested_is_known_one_way():
    share = relative(found(NESTED))
    assert float(share.sel(ruler="EMD", other="spectral")) == pytest.approx(1)
    assert float(share.sel(ruler="spectral", other="EMD")) == pytest.approx(0.5)
    assert np.diagonal(share) == pytest.approx(1)


def test_sentence_names_who_agrees_and_who_is_furthest_apart():
    part = rulers(found(NESTED, consistent=(True, True, False)))
    assert "1 of 3 pairs of rulers share as much" in part.reading
    assert ": EMD and MMD. Furthest apart are MMD and spectral: they share 1.40 nat, 0.850 ± 0.062 less" in part.reading
    assert "more than 10 %: spectral" in part.reading
    assert "D2 is 1.50 ± 0.10 (spectral) to 3.07 ± 0.10 (MMD)" in part.reading
    assert [row[0] for row in part.table.rows] == NAMES


@pytest.mark.parametrize(
    ("nats", "said"),
    [
        (np.full((3, 3), np.nan), "No two rulers can be compared"),  # one seed
        (np.zeros((3, 3)), "No two rulers can be compared"),  # nothing learnt: nothing agrees with nothing
        ([[3.0, 2.9, 0], [2.9, 3.0, 0], [0, 0, 0.01]], "1 of 1 pair of rulers"),  # one that learnt nothing
    ],
)
def test_a_ruler_without_a_baseline_is_not_compared(nats, said):
    made = found(nats)
    gap = apart(made)
    assert said in agreement(made, gap, np.asarray(gap["missing"] <= 2 * gap["error"]))
    assert rulers(made).figure is not None


def test_each_ruler_is_a_metric_of_the_recipe():
    from models import ModelConfig

    assert [ModelConfig(metric=name, likelihood="emd").metric for name in RULERS] == [*RULERS]
