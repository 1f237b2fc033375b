"""Notes go to standard error, or to the handlers of the program that has some."""

import logging

import pytest

from jets.notes import LOG, inform, say


def test_to_standard_error(capsys):
    say("seven jets are left out")
    inform("100 jets are read")
    LOG.debug("not shown")
    assert capsys.readouterr().err == "note: seven jets are left out\n100 jets are read\n"


def test_details_name_their_module(capsys):
    LOG.setLevel(logging.DEBUG)
    try:
        LOG.debug("read in %.1f s", 1.25)
    finally:
        LOG.setLevel(logging.INFO)
    assert capsys.readouterr().err == "test_notes: read in 1.2 s\n"


@pytest.fixture
def records():
    """What a program's own handler gets."""
    found = []

    class Kept(logging.Handler):
        def emit(self, record):
            found.append((record.name, record.levelname, record.getMessage()))

    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def test_to_a_handler_of_the_program(records, capsys):
    say("seven jets are left out")
    assert records == [("jetvae", "WARNING", "seven jets are left out")]
    assert capsys.readouterr().err == ""
