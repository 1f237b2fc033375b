"""Families from outside this package: other packages' entry points, and a user's own classes by their address."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from torch.distributions import Distribution

GROUP = "jetvae.priors"


IMPORTS: ContextVar[bool] = ContextVar("imports", default=True)
"""Whether a latent string may import the module that it names."""
TRUST: ContextVar[bool] = ContextVar("trust", default=False)
"""Whether the user trusts the code that runs name."""


class UnknownFamilyError(ValueError):
    """No family goes by that name; the message gives the nearest one."""


class UntrustedCodeError(UnknownFamilyError):
    """A file names code of a user's, which is not imported unless the user says so."""


def shipped() -> dict[str, EntryPoint]:
    """Return letter -> entry point of the families that installed packages ship (group ``jetvae.priors``)."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load(entry: EntryPoint) -> Any:
    """Return what an entry point names, with the validation of distributions as it was before the import."""
    with validation_kept():
        return entry.load()


@contextmanager
def trusting() -> Iterator[None]:
    """Within the block, files that name a user's module have it imported."""
    token = TRUST.set(True)
    try:
        yield
    finally:
        TRUST.reset(token)


@contextmanager
def from_a_file(*, trusted: bool = False) -> Iterator[None]:
    """Within the block, latent strings come from a file that anybody may have written: they import nothing.

    A module that is imported already is taken as it is. ``trusted`` and :func:`trusting` lift that.
    """
    token = IMPORTS.set(trusted or TRUST.get())
    try:
        yield
    finally:
        IMPORTS.reset(token)


def user_family(address: str) -> Callable[..., Any]:
    """Return ``Name`` of ``module:Name``, the module from the current directory or ``sys.path``.

    >>> user_family("priors.normal:Normal")
    <class 'priors.normal.Normal'>

    Raises
    ------
    UnknownFamilyError
        There is no such module, or nothing callable of that name in it.
    UntrustedCodeError
        The string is of a file, and the module is not imported yet.
    """
    name, _, attribute = address.partition(":")
    if not IMPORTS.get():
        return imported(name, attribute)
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


def imported(name: str, attribute: str) -> Callable[..., Any]:
    """Return what a module holds under a name, if it is imported already; nothing runs.

    Raises
    ------
    UntrustedCodeError
        It is not, or holds no such thing.
    """
    found = vars(sys.modules[name]).get(attribute) if name in sys.modules else None
    if callable(found):
        return found
    raise UntrustedCodeError(
        f"{name}:{attribute} is code that a run names, and reading a run imports none; if you trust it: --trust-code, "
        f"or jetvae.open(path, trust=True)"
    )


def user_address(cls: type) -> str | None:
    """Return ``module:Name`` of a class, None where a letter stands for it: it is one of ours or of an entry point.

    A class that :func:`priors.generic.from_distributions` made goes by the variable that holds it.

    >>> from fractions import Fraction
    >>> from priors import Normal
    >>> user_address(Fraction), user_address(Normal)
    ('fractions:Fraction', None)
    """
    if cls.__module__.startswith(f"{__package__}."):
        return None
    entry = shipped().get(getattr(cls, "symbol", ""))
    if entry is not None and load(entry) is cls:
        return None
    held = vars(sys.modules[cls.__module__]).items() if cls.__module__ in sys.modules else ()
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
