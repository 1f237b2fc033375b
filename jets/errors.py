"""Errors that are the user's to mend: one line that names the file, the field and the remedy."""

from __future__ import annotations


class UserError(ValueError):
    """Something that was given cannot be used; the message says what, and what to do. Base of all such errors."""


class JetFileError(UserError):
    """Jets cannot be used; the message names the file (or the jets in memory), the field and the remedy."""


def one_line(error: BaseException) -> str:
    r"""Return the message of an error on one line.

    >>> one_line(UserError("a.h5: no dataset 'label';\n   see docs/data.md"))
    "a.h5: no dataset 'label'; see docs/data.md"
    """
    return " ".join(str(error).split())
