"""Whose ``models`` is imported: our packages against files of the same names in the user's folder."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

NAMES = ("jets", "priors", "models", "inference", "analysis", "recipes")
"""Our top-level packages beside this one."""
HOME = Path(__file__).resolve().parents[1]
"""The folder that holds them all."""


def ours_first() -> None:
    """Search the current folder last, where Python would search it first (``python -m``).

    A user's own ``models.py`` or ``random.py`` then hides neither our package nor the standard library's module, and
    is still found where nothing else has its name, as a latent family ``my_module:Heavy(2)`` must be.
    """
    first = sys.path[0] if sys.path else HOME
    if first in ("", os.getcwd()) and Path(first or os.getcwd()).resolve() != HOME:
        sys.path.append(sys.path.pop(0))


def assert_ours() -> None:
    """Assert that every package of ours is the one beside this one.

    Raises
    ------
    ImportError
        A file or folder of the same name hides one; the message names it.
    """
    for name in NAMES:
        place = file_of(sys.modules[name].__spec__ if name in sys.modules else find_spec(name))
        if place is not None and HOME not in place.parents:
            raise ImportError(f"{place} hides jetvae's package {name!r}: rename it, or start from another folder")


def file_of(spec: ModuleSpec | None) -> Path | None:
    """Return the file of a module, None where it has none."""
    return Path(spec.origin).resolve() if spec is not None and spec.origin not in (None, "built-in") else None
