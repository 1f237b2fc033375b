"""The list of words to avoid: nothing of ours has one, and what has one is found."""

import re

import pytest

from tests import english


def test_no_word_of_the_list():
    assert list(english.found()) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a training goes on where it stopped", 1),
        ("the score knows the mass and tells tops apart", 2),
        ("It is Told.", 1),
        ("code: `score.told` and ``told``", 0),
        ("```python\nprint(told)\n```", 0),
        (">>> told(one)\n[goes on](goes-on.md)", 1),
        ("drawn on axes, as a whole", 0),
    ],
)
def test_places(text, places):
    plain = english.FENCED.sub(english.blanked, text)
    assert len(plain) == len(text)
    assert sum(len(re.findall(rf"\b({word})", plain, flags=re.IGNORECASE)) for word in english.INSTEAD) == places
