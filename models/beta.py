"""The resolution beta of a model: one number, or the range that one model covers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Beta:
    """One resolution, or the range from ``low`` to ``high``, in the unit of the likelihood.

    In recipes a number, a pair ``[low, high]``, or text: ``0.1``, ``0.01:1``.

    >>> Beta(0.1).typical, str(Beta(0.1)), Beta(0.1).is_range
    (0.1, '0.1', False)
    >>> Beta(0.01, 1.0).typical, str(Beta(0.01, 1.0)), Beta(0.01, 1.0).is_range
    (0.1, '0.01:1', True)

    Raises
    ------
    ValueError
        Not positive, or a range that does not rise.
    """

    low: float
    high: float = math.nan
    LEAST: ClassVar[float] = 1e-9
    """Square of it is the smallest that single precision divides by."""
    MOST: ClassVar[float] = 1e9

    def __post_init__(self) -> None:
        one = math.isnan(self.high)
        if not (self.low > 0 and (one or self.high > 0)):
            raise ValueError("input should be greater than 0")
        if self.low < self.LEAST or max(self.low, self.low if one else self.high) > self.MOST:
            raise ValueError(f"input should be between {self.LEAST:g} and {self.MOST:g}")
        if one:
            object.__setattr__(self, "high", self.low)
        elif self.low >= self.high:
            raise ValueError("a range of beta is [low, high] with low < high")

    @classmethod
    def of(cls, value: Any) -> Beta:
        """Read a number, a pair or text.

        >>> Beta.of("0.01:1") == Beta.of([0.01, 1]) == Beta(0.01, 1.0)
        True

        Raises
        ------
        ValueError
            It is none of these.
        """
        if isinstance(value, Beta):
            return value
        parts = value.split(":") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        no_text = not isinstance(value, str)
        try:
            low, *high = map(float, parts)
            if not all(map(math.isfinite, (low, *high))) or (no_text and any(isinstance(x, bool | str) for x in parts)):
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError("expected a number, or a range: [low, high] or LOW:HIGH") from None
        if len(high) > 1:
            raise ValueError("expected a number, or a range: [low, high] or LOW:HIGH")
        return cls(low, *high)

    @property
    def is_range(self) -> bool:
        """Whether one model covers a range."""
        return self.high > self.low

    @property
    def typical(self) -> float:
        """The resolution, or the geometric mean of its range."""
        return math.sqrt(self.low * self.high) if self.is_range else self.low

    @property
    def plain(self) -> float | list[float]:
        """What stands for it in TOML and JSON: a number or ``[low, high]``."""
        return [self.low, self.high] if self.is_range else self.low

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}" if self.is_range else f"{self.low:g}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Give pydantic the way to read and write it."""
        return core_schema.no_info_plain_validator_function(
            cls.of, serialization=core_schema.plain_serializer_function_ser_schema(lambda beta: beta.plain)
        )
