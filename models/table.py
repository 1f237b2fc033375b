"""What all tables of a recipe have in common: unknown keys, other types and numbers that are not finite fail."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Table(BaseModel):
    """A table of a recipe; each key has its own type: neither ``true`` nor ``"1"`` is a number, nor ``1`` a truth."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def lists_are_tuples(cls, content: Any) -> Any:
        """Take the lists of TOML for tuples, at any depth of lists."""
        return {key: fixed(value) for key, value in content.items()} if isinstance(content, dict) else content


def fixed(value: Any) -> Any:
    """Return a list and the lists in it as tuples; what is none stays.

    >>> fixed([1, [2, 3]]), fixed("ab")
    ((1, (2, 3)), 'ab')
    """
    return tuple(map(fixed, value)) if isinstance(value, list | tuple) else value
