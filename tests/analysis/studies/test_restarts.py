"""What the study of restarts says of trainings whose choices are counted by hand."""

import numpy as np
import pytest
import xarray as xr

from analysis.studies.restarts import QUESTION, agree, is_wrong, judged, skewness


def trainings():
    """Five: the best bound is the other way round, the fourth useless; three of the five agree."""
    sign = np.array([-1.0, 1, 1, -1, 1])
    columns = {
        "auc": [0.1, 0.9, 0.92, 0.6, 0.91],
        "bound": [-1.0, -2, -3, -4, -5],
        "held_out": [-5.0, -4, -3, -2, -1],
        "share": [0.5, 0.1, 0.2, 0.4, 0.3],
        "tail": [0.0, 3, 2, 1, 4],
    }
    found = xr.Dataset({name: (("case", "start"), [values]) for name, values in columns.items()})
    correlation = (("case", "start", "other"), np.outer(sign, sign)[None])
    return found.assign(correlation=correlation).assign_coords(case=["DVAE"], start=range(5), other=range(5))


def test_counted_by_hand():
    """Of the ten sets of three."""
    found = judged(trainings())
    assert found["wrong"].values.tolist() == [[True, False, False, True, False]]
    assert found["chosen"].values.tolist() == [[0, 4, 1, 1, 4]]
    restarts, medians = QUESTION.answered(trainings()).parts
    row = dict(zip(restarts.table.head, restarts.table.rows[0], strict=True))
    share = {name: int(text.split(" ")[0]) for name, text in row.items() if name}
    assert share["one"] == 40
    assert share["training bound, of 3"] == 60  # C(4, 2) of 10 hold the first
    assert share["held-out bound, of 3"] == 30  # without the last, with the fourth: C(3, 2) of 10
    assert share["agreement, of 3"] == 30  # both wrong ones and one more
    assert share["least share, of 3"] == share["longest tail, of 3"] == 0
    assert "2 of 5 single trainings are wrong; of the choices among 3, 60 ± " in restarts.reading
    assert dict(zip(medians.table.head, medians.table.rows[0], strict=True))["training bound, of 5"] == "0.100"
    assert len(restarts.figure.axes) == 1


def test_a_single_training_has_no_choice():
    one = trainings().isel(start=[1], other=[1])
    (restarts,) = QUESTION.answered(one).parts
    assert restarts.reading == "0 of 1 single trainings are wrong."


@pytest.mark.parametrize(
    ("areas", "wrong"),
    [([0.9, np.nan], [False, True]), ([0.2, 0.3], [True, True]), ([0.55, 0.56], [False, False]), ([0.5], [True])],
)
def test_extremes(areas, wrong):
    assert is_wrong(np.array(areas)).tolist() == wrong


def test_of_scores_that_all_jets_share():
    assert skewness(np.full(9, 0.3)) == 0
    assert agree(np.full(9, 0.3), np.arange(9.0)) == 0
    values = np.random.default_rng(0).gamma(4.0, size=200_000)
    assert skewness(values) == pytest.approx(1.0, abs=0.03)  # 2 / sqrt(4)
    assert agree(values, np.exp(values)) == pytest.approx(1)
