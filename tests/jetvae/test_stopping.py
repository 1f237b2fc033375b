"""Commands that are stopped by a signal while they write: one line, nothing half written, what was there is kept."""

import signal

import pytest

import inference
from analysis.answers import streaming
from analysis.report.page import Page
from jets import convert
from jetvae.__main__ import STOPPED, command_module, main


def stopped(number, real):
    """What raises a signal, as a terminal or a batch system does, when the first piece of work is done."""

    def pieces(*arguments, **options):
        yield next(real(*arguments, **options))
        signal.raise_signal(number)

    return pieces


@pytest.fixture(autouse=True)
def terminal():
    """Take Ctrl-C as in a terminal: a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = {"data.files": ["toy:curve(n=400)"], "training.epochs": 1, "training.compile": False}
    return inference.train(inference.read("vae-toy", settings), tmp_path_factory.mktemp("run") / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["convert", "encode.parquet", "encode.h5", "encode.root", "report"])
def test_a_signal_is_one_line(run, tmp_path, monkeypatch, capsys, name, number):
    command, _, suffix = name.partition(".")
    out = tmp_path / f"out.{suffix or 'h5'}"
    out.write_bytes(b"before")
    words = {"convert": ["convert", "sample:top"], "encode": ["encode", str(run.path), "toy:curve"]}
    words["report"] = ["report", str(run.path)]
    if command == "report":
        monkeypatch.setattr("analysis.report.runs.read_runs", lambda *_, **__: signal.raise_signal(number))
    monkeypatch.setattr(convert, "pieces", stopped(number, convert.pieces))
    monkeypatch.setattr(streaming, "pieces", stopped(number, streaming.pieces))
    assert main([*words[command], "-o", str(out)]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == getattr(command_module(command), "KEPT", STOPPED)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes() == b"before"


def test_a_page_that_is_stopped_leaves_the_one_before(tmp_path, monkeypatch):
    page = Page("a", "b", [], [])
    page.save(tmp_path / "report.html")
    before = (tmp_path / "report.html").read_bytes()
    monkeypatch.setattr(Page, "html", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        page.save(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
