"""Tables of tables, as TOML files hold them: joined, and with dotted keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def joined(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``content`` with single keys of its tables, at any depth, as in ``changes``.

    >>> joined({"model": {"beta": 1.0, "latent": "R2"}}, {"model": {"beta": 0.5}, "description": "mine"})
    {'model': {'beta': 0.5, 'latent': 'R2'}, 'description': 'mine'}
    """
    result = dict(content)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = joined(old, value) if both else value  # type: ignore[arg-type]
    return result


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a table of tables with dotted keys.

    >>> flat({"training": {"epochs": 3}, "description": ""})
    {'training.epochs': 3, 'description': ''}
    """
    result: dict[str, Any] = {}
    for key, value in content.items():
        result |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return result
