"""Every public entry, fed with generated input: the result is right, or it is refused in one line.

``make properties`` tries all cases, a test run each twentieth. A failure names its case: ``pytest
tests/properties -k ENTRY --case NUMBER`` repeats it.
"""

import pytest

from . import arrays, clouds, commands, construction, damage, events, files, fitting, latents, measures, recipes, toys
from .cases import tried

ROOMS = (construction, events, files, arrays, toys, latents, recipes, clouds, measures, fitting, commands, damage)
ENTRIES = {name: entered for room in ROOMS for name, entered in room.entries.items()}
PART = 8
"""Parts that an entry's cases are divided into, so that two processes share them."""


def test_there_are_enough():
    assert sum(entered.count for entered in ENTRIES.values()) >= 20_000


@pytest.mark.parametrize("part", range(PART))
@pytest.mark.parametrize("name", ENTRIES)
def test_right_or_refused(name, part, tools, pytestconfig, record_property):
    numbers = ENTRIES[name].numbers(pytestconfig.getoption("--cases"))[part::PART]
    if (case := pytestconfig.getoption("--case")) is not None:
        numbers = [case] if part == 0 else []
    record_property(name, dict(tried(name, ENTRIES[name].entry, numbers, tools)))
