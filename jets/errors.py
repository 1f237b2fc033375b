"""Errors that are the user's to mend: one line that names the file, the field and the remedy."""

from __future__ import annotations


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


def one_line(error: BaseException) -> str:
    r"""Return the message of an error on one line.

    >>> one_line(OSError("a.h5: no dataset 'label';\n   see docs/data.md"))
    "a.h5: no dataset 'label'; see docs/data.md"
    """
    return joined(str(error))


def joined(text: str) -> str:
    r"""Return the lines of a text as one; spaces within a line, as of a file's name, stay.

    >>> joined("a  b.h5:\n  no such file\n")
    'a  b.h5: no such file'
    """
    return " ".join(filter(None, map(str.strip, text.splitlines())))
