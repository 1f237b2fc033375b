"""What all tables of a recipe have in common: unknown keys, numbers that are not finite and words for numbers fail."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Table(BaseModel):
    """A table of a recipe; ``true`` and ``false`` are no numbers in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def no_number_is_true(cls, value: Any, info: ValidationInfo) -> Any:
        """Assert that ``true`` or ``false`` stands only where a key is one of them.

        Raises
        ------
        ValueError
            It stands for a number, which would be 1 or 0.
        """
        annotation = cls.model_fields[info.field_name or ""].annotation
        checks_itself = isinstance(annotation, type) and issubclass(annotation, Table)
        if not checks_itself and bool not in (annotation, *get_args(annotation)) and holds_truth(value):
            raise ValueError("input should be a number or text, not true or false")
        return value


def holds_truth(value: Any) -> bool:
    """Whether a value is, or a list or table holds, true or false.

    >>> holds_truth([1, {"a": True}]), holds_truth([1, 0])
    (True, False)
    """
    if isinstance(value, dict):
        return any(map(holds_truth, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_truth, value))
    return isinstance(value, bool)
