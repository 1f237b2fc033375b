"""Errors that are the user's to mend: one line that names the file, the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 1500
"""Characters of a message; of a longer one, which quotes what a file holds, the middle is left out."""
LONGEST = 300
"""Characters of what a library says that are quoted."""


class UserError(ValueError):
    r"""Something that was given cannot be used; the message says what, and what to do. Base of all such errors.

    The message is one line, whatever it quotes.

    >>> str(UserError("no toy cir\ncle"))
    'no toy cir cle'
    """

    def __str__(self) -> str:
        return joined(super().__str__())


class JetFileError(UserError):
    """Jets cannot be used; the message names the file (or the jets in memory), the field and the remedy."""


@contextmanager
def legible(path: str | Path, kind: str = "file of jets", remedy: str = "see docs/data.md") -> Iterator[None]:
    """Take whatever a library says within the block of a damaged file as one line that names the file.

    Raises
    ------
    JetFileError
        Anything went wrong.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        said = one_line(error)[:LONGEST] or type(error).__name__
        raise JetFileError(f"{path}: damaged, or no {kind} ({said}); {remedy}") from error


def one_line(error: BaseException) -> str:
    r"""Return the message of an error on one line.

    >>> one_line(OSError("a.h5: no dataset 'label';\n   see docs/data.md"))
    "a.h5: no dataset 'label'; see docs/data.md"
    """
    return joined(str(error))


def joined(text: str) -> str:
    r"""Return the lines of a text as one; spaces within a line, as of a file's name, stay.

    What cannot be printed, such as the escapes that steer a terminal, is written as Python writes it.

    >>> joined("a  b.h5:\n  no such file\n"), joined("\x1b[2J")
    ('a  b.h5: no such file', '\\x1b[2J')
    """
    line = " ".join(filter(None, map(str.strip, text.splitlines())))
    line = line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if len(line) <= MOST else f"{line[: MOST // 2]}...{line[-(MOST // 2) :]}"
