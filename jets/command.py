"""The command line as messages name it: composed here alone, so that it can be pasted."""

from __future__ import annotations

import shlex


def command(name: str, *arguments: object) -> str:
    """Return the text of a command, its arguments quoted for the shell.

    >>> command("report", "runs/my run", "--beta", 0.1)
    "jetvae report 'runs/my run' --beta 0.1"
    """
    return shlex.join(["jetvae", name, *map(str, arguments)])
