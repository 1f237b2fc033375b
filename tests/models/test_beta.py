"""A resolution or a range: texts, recipes, refusals."""

import json
import pickle

import pytest

from models import Beta, ModelConfig


@pytest.mark.parametrize(
    ("given", "expected", "text", "typical"),
    [
        (0.1, Beta(0.1), "0.1", 0.1),
        (2, Beta(2.0), "2", 2.0),
        ("0.1", Beta(0.1), "0.1", 0.1),
        ([0.01, 1], Beta(0.01, 1.0), "0.01:1", 0.1),
        ((0.01, 1.0), Beta(0.01, 1.0), "0.01:1", 0.1),
        ("1e-2:1", Beta(0.01, 1.0), "0.01:1", 0.1),
    ],
)
def test_accepted(given, expected, text, typical):
    beta = ModelConfig(beta=given).beta
    assert beta == expected
    assert str(beta) == text
    assert beta.typical == pytest.approx(typical)
    assert beta.is_range == (":" in text)
    assert Beta.of(text) == Beta.of(beta.plain) == pickle.loads(pickle.dumps(beta)) == beta
    dumped = json.loads(ModelConfig(beta=given).model_dump_json())["beta"]
    assert ModelConfig(beta=dumped).beta == beta
    assert isinstance(dumped, list) == beta.is_range


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (0, "greater than 0"),
        (-1, "greater than 0"),
        ([0.1, -1], "greater than 0"),
        (float("nan"), "expected a number, or a range"),
        ([1.0, 0.1], "low < high"),
        ("1:1", "low < high"),
        ("low", "expected a number, or a range"),
        ([1, 2, 3], "expected a number, or a range"),
        ([], "expected a number, or a range"),
        (True, "expected a number, or a range|not true or false"),
        (None, "expected a number, or a range"),
        ({"low": 1}, "expected a number, or a range"),
    ],
)
def test_refused(given, words):
    with pytest.raises(ValueError, match=words):
        ModelConfig(beta=given)
