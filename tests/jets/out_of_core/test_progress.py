"""Progress of a survey: nothing of what is done at once, a live line on a terminal, a line now and then elsewhere."""

import io

import pytest

from jets.out_of_core import progress as module
from jets.out_of_core.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by ten seconds at each look."""
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))


@pytest.mark.usefixtures("clock")
def test_a_terminal_has_one_line():
    stream = Terminal()
    progress = Progress(300, stream)
    for done in (100, 200, 300):
        progress.update(done)
    first, *_, last = stream.getvalue().split("\r")[1:]
    assert first == "\x1b[Ksurvey: 100 of 300 jets  10 jets/s  20 s left"
    assert last == "\x1b[Ksurvey: 300 of 300 jets  10 jets/s  0 s left\n"


@pytest.mark.usefixtures("clock")
def test_elsewhere_there_is_a_line_each_twenty_seconds():
    stream = io.StringIO()
    progress = Progress(600, stream)
    for done in range(100, 700, 100):
        progress.update(done)
    lines = stream.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["200", "400", "600"]


def test_what_is_quick_says_nothing():
    stream = io.StringIO()
    progress = Progress(20, stream)
    progress.update(10)
    progress.update(20)
    assert stream.getvalue() == ""
