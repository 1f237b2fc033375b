"""Commands as a shell runs them: exit code, what is printed, and what is left on the disk."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt

from jetvae.__main__ import main

from .cases import REFUSED, RIGHT, Tools

NOTES = re.compile(r"^(note|usage|epoch|compiled|evaluating|interrupted|every jet|\s|.*runs in |\d+/\d+)|^$")
"""Lines on standard error beside that of an error."""


class Outcome(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def run(words: list[str]) -> Outcome:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    plt.close("all")
    return Outcome(code, out.getvalue(), err.getvalue())


def checked(words: list[str], tools: Tools) -> str:
    """Run a command; assert that it ended well, or with one line of error."""
    found = run(words)
    details = bool({"-v", "--verbose"} & set(words))
    assert details or "Traceback" not in found.err
    lines = found.err.replace("\r", "\n").splitlines()
    errors = [line for line in lines if line.startswith("error: ") or re.match(r"jetvae[\w ]*: error: ", line)]
    assert found.code in (0, 2), f"exit {found.code}"
    assert len(errors) == (found.code == 2), f"exit {found.code} with {errors} for {words}: {found.err[-300:]}"
    left = [path.name for path in tools.folder.rglob(".*.tmp")]
    assert not left, f"left {left} after {words}"
    if found.code == 2:
        assert len(errors[0]) > len("error: ")
        assert not re.fullmatch(r"error: \[Errno \d+\][^:]*", errors[0]), f"names no file: {errors[0]}"
        strange = [line for line in lines if not details and line not in errors and not NOTES.match(line)]
        assert not strange, f"beside the error: {strange}"
        return REFUSED
    assert "Warning" not in found.err, found.err[-300:]
    if "--json" in words:
        json.loads(found.out, parse_constant=no_number)
    for path in re.findall(r"^(?:wrote|report:) (\S+)$", found.out, re.MULTILINE):
        assert Path(path).stat().st_size > 0, path
    return RIGHT


def no_number(name: str) -> Any:
    """Refuse what JSON does not know."""
    raise AssertionError(f"{name} is no JSON")
