"""How numbers and options are written in a latent string, so that it can be read back exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def format_value(value: Any) -> str:
    """Write one option value: shortest exact form of a number, comma list of a sequence.

    >>> format_value(0.25), format_value((1.0, 0.25, 0.1)), format_value("vmf")
    ('0.25', '1,0.25,0.1', 'vmf')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(format_value(item) for item in value)
    return str(value)


def format_options(options: Mapping[str, Any]) -> str:
    """Write the options behind a factor: ``(alpha=1,0.25)``, or nothing."""
    if not options:
        return ""
    return "(" + ",".join(f"{key}={format_value(value)}" for key, value in options.items()) + ")"
