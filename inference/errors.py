"""Errors as a user meets them: one line on standard error, exit code 2."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable

from inference.recipe import RecipeError
from inference.run import RunError
from jets import JetFileError
from priors import LatentStringError

USER_ERRORS = (RecipeError, RunError, JetFileError, LatentStringError, OSError)


def exit_code(main: Callable[[], None]) -> int:
    """Run a command; return 0, 2 after a user's error, 130 after an interruption.

    What is alive at the end is not searched for garbage on the way out: that would take torch's modules a second.
    """
    atexit.register(gc.freeze)
    try:
        main()
    except USER_ERRORS as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the last checkpoint is kept: continue with --resume --out DIR", file=sys.stderr)
        return 130
    return 0


def one_line(error: Exception) -> str:
    """Return an error's message on one line; a latent string's with the column that it points at."""
    if isinstance(error, LatentStringError):
        place = f"at column {error.position + 1}: {error.text[: error.position]}>>>{error.text[error.position :]}"
        return f"latent string {error.text!r}: {error.problem} ({place})"
    return " ".join(str(error).split())
