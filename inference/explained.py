"""What is wrong with a recipe, in one line: the key, what was given, what is valid."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def explain(problem: Mapping[str, Any], schema: type[BaseModel]) -> str:
    """Return one line on a validation problem: the key, what was given, what is valid."""
    known = [str(part) for part in problem["loc"] if not isinstance(part, int)]
    *tables, key = known or [""]
    where = f"[{'.'.join(tables)}] {key}" if tables else key
    if problem["type"] == "extra_forbidden":
        for table in tables:
            schema = schema.model_fields[table].annotation  # type: ignore[assignment]
        near = difflib.get_close_matches(key, schema.model_fields, 1, 0.0)
        return f"{where}: unknown key; did you mean {near[0]}? (valid: {', '.join(schema.model_fields)})"
    message = problem["msg"].removeprefix("Value error, ")
    message = message.replace("a valid boolean", "true or false")
    return f"{where} = {shortened(repr(problem['input']))}: {message[0].lower()}{message[1:]}"


def shortened(text: str, most: int = 200) -> str:
    """Return a text, the middle of a long one left out.

    >>> shortened("1234567890", 6)
    '123...890'
    """
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-(most // 2) :]}"
