"""Progress: a bar on a terminal that never wraps, a line of a notebook's cell, lines now and then elsewhere."""

import io
import logging
import re
from contextlib import redirect_stderr

import pytest

from jets import progress as module
from jets.notes import LOG
from jets.progress import Bar, Progress

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def seconds(monkeypatch):
    """A clock that is ten seconds later at each look."""
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns, standard error where ``redirect_stderr`` says so."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def states(stream):
    """Return what a terminal showed, one state after the other."""
    return [line for line in re.split(r"[\r\n]+", ESCAPES.sub("", stream.getvalue())) if line.strip()]


@pytest.mark.usefixtures("seconds")
def test_elsewhere_there_are_lines(capsys):
    with Progress(600, "survey") as progress:
        for done in range(100, 700, 100):
            progress.update(done)
    assert capsys.readouterr().err.splitlines() == [
        "survey 100/600 jets  10 jets/s  0:50 left",
        *(f"survey {done}/600 jets  10 jets/s  0:{60 - done // 10:02} left" for done in range(200, 700, 100)),
    ]


def test_what_is_quick_says_nothing(capsys):
    with Progress(20, "survey") as progress:
        progress.update(10)
        progress.update(20)
    assert capsys.readouterr().err == ""


def test_begin_and_end_of_what_is_always_shown(capsys):
    with Progress(3, "epoch", each=1000, always=True) as progress:
        for epoch in (1, 2, 3):
            progress.update(epoch, f"loss {epoch}")
    first, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"epoch 1/3  [\d,]+ jets/s  0:00 left  loss 1", first)
    assert re.fullmatch(r"epoch 3/3  [\d,]+ jets/s  0:00 left  loss 3", last)


def test_what_comes_once_does_not_enter_the_rate(monkeypatch):
    """The first epoch takes 100 seconds, for a compilation, each of the others one: 8 seconds are left after two."""
    now = iter([0, 100, 101])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))
    progress, lines = Progress(10, "epoch", each=50), []
    progress.screen = type("Kept", (), {"every": 0, "show": lambda self, line, part: lines.append((line, part))})()
    progress.update(1)
    progress.update(2)
    assert lines == [("epoch 1/10  15:00 left", 0.1), ("epoch 2/10  50 jets/s  0:08 left", 0.2)]


@pytest.mark.usefixtures("seconds")
def test_a_long_time_has_few_lines(capsys):
    with Progress(900, "survey") as progress:
        for done in range(1, 901):
            progress.update(done)
    assert 100 < len(capsys.readouterr().err.splitlines()) < 300


@pytest.mark.usefixtures("seconds")
@pytest.mark.parametrize("said", ["loss 288.1 = rec 280.1 + KL 8.12", "x" * 200])
def test_a_terminal_has_a_bar_that_fits(terminal, said):
    with redirect_stderr(terminal), Progress(300, "epoch", each=12_345) as progress:
        for done in (100, 200, 300):
            progress.update(done, said)
    shown = states(terminal)
    assert "epoch 300/300  123,450 jets/s  0:00 left" in shown[-1]
    assert shown[-1].startswith("━" * 4)
    assert max(map(len, shown)) <= 80
    if "loss" in said:
        assert shown[-1].endswith(said)


@pytest.mark.usefixtures("seconds")
def test_progress_within_progress_and_notes(terminal):
    with redirect_stderr(terminal), Progress(2, "runs", "") as outer:
        outer.update(1)
        with Progress(10, "epoch") as inner:
            inner.update(5)
            LOG.warning("seven jets left out")
            assert len(Bar.shared.tasks) == 2
        outer.update(2)
    assert Bar.shared is None
    text = "\n".join(states(terminal))
    assert "note: seven jets left out" in text
    assert "epoch 5/10" in text
    assert "epoch" not in states(terminal)[-1]


@pytest.mark.usefixtures("seconds")
def test_an_error_leaves_the_terminal_as_it_was(terminal):
    def interrupted():
        with redirect_stderr(terminal), Progress(10, "epoch") as progress:
            progress.update(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Bar.shared is None
    assert terminal.getvalue().rstrip("\n").endswith("\x1b[?25h")  # the cursor is seen again


@pytest.mark.usefixtures("seconds")
def test_a_dumb_terminal_has_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with redirect_stderr(terminal), Progress(2, "survey") as progress:
        progress.update(1)
    assert terminal.getvalue() == "survey 1/2 jets  0:10 left\n"


@pytest.mark.usefixtures("seconds")
def test_quiet(capsys, monkeypatch):
    monkeypatch.setattr(LOG, "level", logging.ERROR)
    LOG.manager._clear_cache()
    try:
        with Progress(2, "survey", always=True) as progress:
            progress.update(2)
        LOG.warning("a note")
    finally:
        monkeypatch.undo()
        LOG.manager._clear_cache()
    assert capsys.readouterr().err == ""


def test_a_notebook_has_one_line_of_its_cell():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = (
        "import time\nfrom jets.progress import Progress\n"
        "with Progress(4, 'epoch') as progress:\n"
        "    for done in (1, 2, 3, 4):\n        time.sleep(0.25)\n        progress.update(done, 'loss 1')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert re.fullmatch(r"━{24} epoch 4/4 jets  [\d.]+ jets/s  0:00 left  loss 1", output["data"]["text/plain"])
