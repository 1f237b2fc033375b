"""Find families by name: the table, other packages' entry points, and a user's own classes."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

from torch.distributions import Distribution

GROUP = "jetvae.priors"


class UnknownFamilyError(ValueError):
    """No family goes by that name; the message says what is near."""


def family(symbol: str) -> Callable[..., Any]:
    """Return the family with that letter, from the table or the entry points ``jetvae.priors``.

    >>> family("R")
    <class 'priors.normal.Normal'>
    """
    from priors.families import FAMILIES

    if symbol in FAMILIES:
        return FAMILIES[symbol]
    shipped = {entry.name: entry for entry in entry_points(group=GROUP)}
    if symbol in shipped:
        with validation_kept():
            return shipped[symbol].load()
    known = [*FAMILIES, *shipped]
    near = difflib.get_close_matches(symbol, known, 1, 0.0)
    hint = f" (nearest: {near[0]})" if near else ""
    raise UnknownFamilyError(f"unknown family {symbol!r}; known: {', '.join(known)}{hint}, or my_module:MyPrior(2)")


def user_family(address: str) -> Callable[..., Any]:
    """Return ``Name`` of ``module:Name``, the module from the current directory or ``sys.path``.

    >>> user_family("priors.normal:Normal")
    <class 'priors.normal.Normal'>

    Raises
    ------
    UnknownFamilyError
        There is no such module, or nothing callable of that name in it.
    """
    name, _, attribute = address.partition(":")
    try:
        with validation_kept(), current_directory_on_path():
            module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise UnknownFamilyError(f"no module {name!r} in the current directory or on sys.path") from error
    found = getattr(module, attribute, None)
    if not callable(found):
        near = difflib.get_close_matches(attribute, [k for k, v in vars(module).items() if callable(v)], 1)
        raise UnknownFamilyError(f"{name} has no family {attribute!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return found


def user_address(cls: type) -> str | None:
    """Return ``module:Name`` of a class that no letter stands for, None of one in the table or from an entry point.

    A class that :func:`priors.generic.from_distributions` made goes by the variable that holds it.
    """
    from priors.families import BUILT_IN

    symbol = getattr(cls, "symbol", None)
    if cls in BUILT_IN or any(entry.name == symbol and entry.load() is cls for entry in entry_points(group=GROUP)):
        return None
    held = vars(sys.modules.get(cls.__module__, object)).items() if cls.__module__ in sys.modules else ()
    name = next((name for name, value in held if value is cls), cls.__qualname__)
    return f"{cls.__module__}:{name}"


@contextmanager
def validation_kept() -> Iterator[None]:
    """Undo what an import does to the global validation of distributions (zuko turns it off)."""
    before = Distribution._validate_args
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)


@contextmanager
def current_directory_on_path() -> Iterator[None]:
    """Search the current directory too, last."""
    here = os.getcwd()
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
