"""The text files of a run, read: each is what a training writes, or an error names the file and what is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jets.errors import UserError

MANIFEST = "scan.json"
"""The file that lists the runs of a scan: folder, latent space, beta, seed."""
RESTARTS = "restarts"
"""Folder of the trainings of a run of which the best is not chosen yet, and their record in the provenance."""
LOSSES = ("epoch", "loss", "reconstruction", "kl")
"""Columns that every history has."""


class RunError(UserError):
    """A run cannot be used; the message names its folder and the remedy."""


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    RunError
        It is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, lists in lists in lists
        raise RunError(f"{path}: not readable as JSON: {error}") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object as a mapping.

    Raises
    ------
    ValueError
        A name stands there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def read_provenance(path: Path) -> dict[str, Any]:
    """Return where a run came from.

    Raises
    ------
    RunError
        It is no JSON, or lacks what a training writes.
    """
    found, table = read_json(path), Mapping
    checks: dict[str, Callable[[Any], bool]] = {
        "data_fingerprint": lambda value: isinstance(value, str),
        "counts": lambda value: (
            isinstance(value, Mapping) and all(map(are_counts, value.values())) and "train" in value
        ),
        "recipe_digests": lambda value: value is None or isinstance(value, table),
        "start": lambda value: value is None or (isinstance(value, int) and value >= 0),
        RESTARTS: lambda value: value is None or are_losses(value),
        "devices": lambda value: value is None or are_texts(value),
        "weights_epoch": lambda value: value is None or (isinstance(value, int) and value > 0),
    }
    if not isinstance(found, dict):
        raise RunError(f"{path}: not what a training writes; restore it, or train anew")
    for key, good in checks.items():
        if not good(found.get(key)):
            raise RunError(f"{path}: {key} = {found.get(key)!r} is not what a training writes; restore it")
    return found


def are_counts(value: Any) -> bool:
    """Whether a value is class -> number of jets."""
    return isinstance(value, Mapping) and all(isinstance(count, int) for count in value.values())


def are_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def are_losses(value: Any) -> bool:
    """Whether a value says which of several trainings was kept, and the loss of each, None of one that failed.

    Also the share of rare mixtures of each, where that decided.
    """
    losses = value.get("loss") if isinstance(value, Mapping) else None
    if not isinstance(losses, list) or value.get("kept") not in range(len(losses)):
        return False
    columns = [losses, value.get("share", losses)]
    if not all(isinstance(column, list) and len(column) == len(losses) for column in columns):
        return False
    numbers = all(x is None or isinstance(x, float | int) for column in columns for x in column)
    return numbers and all(column[value["kept"]] is not None for column in columns)


def read_history(path: Path) -> list[dict[str, float]]:
    """Return one row per epoch; a torn last row is left out, and a file that is not there has none.

    Raises
    ------
    RunError
        It is no table of numbers, or lacks columns.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            rows = [row for row in reader if all(row.values())]
        found = [{key: float(value) for key, value in row.items()} for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path}: not a table of numbers ({error}); restore it") from error
    lacking = [name for name in LOSSES if name not in columns]
    if lacking:
        raise RunError(f"{path}: has no column {lacking[0]}; restore it")
    return found
