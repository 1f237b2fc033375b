"""Arguments of a toy in text, ``n=100, spectrum=8,8,3``: read strictly, each as what its default is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from inspect import Parameter
from typing import Any

from jets.errors import UserError

MOST = {"seed": 2**63 - 1}
"""Largest whole number that an argument may be, where that is not `MANY`."""
MANY = 10**8
"""Largest number of points or dimensions."""
LARGEST = 1e15
"""Largest size: squares of it still add up in float32."""
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def arguments(text: str, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the arguments in ``text`` by name; commas separate them, and the parts of a list.

    Raises
    ------
    UserError
        What is no ``name=value``, an unknown or repeated name, or a value of another kind.

    Examples
    --------
    >>> import inspect
    >>> def toy(spectrum=(1.0,), n=10): ...
    >>> arguments("spectrum=8,3, n=100", inspect.signature(toy).parameters)
    {'spectrum': (8.0, 3.0), 'n': 100}
    """
    found: dict[str, Any] = {}
    for part in re.split(r",\s*(?=\w+\s*=)", text) if text.strip() else []:
        match = re.fullmatch(r"\s*(\w+)\s*=\s*([^=]+?)\s*", part)
        name = match[1] if match else ""
        if not match or name not in known:
            example = f"{next(iter(known))}=..."
            raise UserError(f"takes {', '.join(known)}, as ({example}); got ({text})")
        if name in found:
            raise UserError(f"{name} is given twice in ({text})")
        try:
            found[name] = value_of(match[2], known[name].default, MOST.get(name, MANY))
        except (ValueError, KeyError) as error:
            raise UserError(f"{name} = {match[2]} is no {_kind(known[name].default)}") from error
    return found


def value_of(text: str, default: Any, most: int = MANY) -> Any:
    """Read an argument as what its default is; numbers are finite and not negative.

    >>> value_of("3,1", (1.0,)), value_of("7", 1), value_of("false", True)
    ((3.0, 1.0), 7, False)
    """
    if isinstance(default, bool):
        return WORDS[text.lower()]
    values = [type(default[0] if isinstance(default, tuple) else default)(part) for part in text.split(",")]
    if not all(
        math.isfinite(value) and 0 <= value <= (most if isinstance(value, int) else LARGEST) for value in values
    ):
        raise ValueError(text)
    if not isinstance(default, tuple):
        (values,) = values
    return tuple(values) if isinstance(values, list) else values


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "yes or no"
    if isinstance(default, tuple):
        return f"list of numbers from 0 to {LARGEST:g}"
    return f"whole number from 0 to {MANY:.0e}" if isinstance(default, int) else f"number from 0 to {LARGEST:g}"
