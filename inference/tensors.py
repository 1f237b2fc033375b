"""Files of tensors: safetensors, with what is no tensor as JSON in its metadata, and one digest of it all.

A nest of mappings and lists is kept flat: tensors by their path, ``model/encoder.0.weight``; lists of rows of numbers
as tables. A plain mapping of tensors is a file of safetensors as any other program reads and writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.records import RunError, unique
from jets.sums import assert_intact

NOTE = "jetvae"
"""Name in the metadata: the JSON of what is no tensor. One name alone, so that equal content is equal bytes."""
HEADER = 16 << 20
"""Bytes of a header, at most; those of a model of a thousand tensors are 200 kB."""
DEEPEST = 8
"""Names in a path."""
LONGEST = 200
"""Letters of a reason that are said."""
REMEDY = "restore it, or remove it to train anew"


def save(content: Mapping[str, Any], path: Path) -> None:
    """Write a nest of mappings, lists, tensors and what JSON holds; tensors must own their memory."""
    from safetensors.torch import save as packed

    tensors: dict[str, Tensor] = {}
    note: dict[str, Any] = {"lists": [], "tables": {}, "values": {}}
    for name, value in content.items():
        flatten(name, value, tensors, note)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    note["sha256"] = digest(tensors, note)
    path.write_bytes(packed(tensors, {NOTE: json.dumps(note)}))


def flatten(path: str, value: Any, tensors: dict[str, Tensor], note: dict[str, Any]) -> None:
    """Add what lies at a path: a tensor, a table, a value, or what lies below."""
    if isinstance(value, Tensor):
        tensors[path] = value
    elif rows_of_numbers(value):
        blocks = [list(rows) for _, rows in groupby(value, key=lambda row: [*row])]
        note["tables"][path] = [[*block[0]] for block in blocks]
        for i, block in enumerate(blocks):
            tensors[f"{path}/{i}"] = torch.tensor([[*row.values()] for row in block], dtype=torch.float64)
    elif isinstance(value, Mapping | list) and holds_tensors(value):
        if isinstance(value, list):
            note["lists"].append(path)
        for name, each in value.items() if isinstance(value, Mapping) else enumerate(value):
            assert "/" not in str(name), name
            flatten(f"{path}/{name}", each, tensors, note)
    else:
        note["values"][path] = value


def holds_tensors(value: Any) -> bool:
    """Whether there is a tensor, or a table, somewhere in a nest."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return isinstance(value, Tensor) or rows_of_numbers(value) or any(map(holds_tensors, parts))


def rows_of_numbers(value: Any) -> bool:
    """Whether a value is a list of mappings from names to floats."""
    rows = value if isinstance(value, list) else []
    return bool(rows) and all(
        isinstance(row, dict) and row and all(type(each) is float for each in row.values()) for row in rows
    )


def digest(tensors: Mapping[str, Tensor], note: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the names, types, shapes and numbers of tensors, and of a note's JSON."""
    found = hashlib.sha256(json.dumps(note, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def load(path: Path, device: torch.device | str = "cpu", keys: Collection[str] = ()) -> dict[str, Any]:
    """Read what :func:`save` wrote, which has these ``keys`` at least; of other programs' files name -> tensor.

    Raises
    ------
    RunError
        The file is torn, damaged, or holds something else.
    """
    assert_intact(path)
    try:
        metadata = read_metadata(path)
        tensors = read_tensors(path)
        content: dict[str, Any] = dict(tensors)
        if NOTE in metadata:
            note = json.loads(metadata[NOTE], object_pairs_hook=unique)
            assert_digest(path, tensors, note)
            content = nested(tensors, note)
        elif any("/" in name for name in tensors):
            raise ValueError("the metadata lack what is no tensor")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{path}: not a file of tensors, or torn ({str(error)[:LONGEST]}); {REMEDY}") from error
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    if not set(keys) <= set(content):
        raise RunError(f"{path}: not what a training writes; {REMEDY}")
    return {name: moved(value, device) for name, value in content.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file of safetensors, no more of which is read than it has.

    Raises
    ------
    ValueError
        It has no header, or one that says something twice.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(path.stat().st_size - 8, HEADER):
            raise ValueError(f"its header cannot have {length:,} bytes")
        header = json.loads(file.read(length), object_pairs_hook=unique)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("its metadata are none")
    return metadata


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, each in memory of its own.

    Raises
    ------
    ValueError
        It is no such file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118, not a mapping
    except (SafetensorError, RuntimeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def assert_digest(path: Path, tensors: Mapping[str, Tensor], note: dict[str, Any]) -> None:
    """Take the digest out of a note, and assert that it is that of all the rest.

    Raises
    ------
    RunError
        It is not.
    """
    if note.pop("sha256") != digest(tensors, note):
        raise RunError(f"{path}: damaged: its content is not what its digest says; {REMEDY}")


def nested(tensors: Mapping[str, Tensor], note: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nest that was made flat.

    Raises
    ------
    ValueError, LookupError, TypeError, AttributeError
        The note is not of these tensors.
    """
    left, result = dict(tensors), dict[str, Any]()
    for path, blocks in note["tables"].items():
        rows = [dict(zip(names, row, strict=True)) for names, row in table(left, path, blocks)]
        put(result, path, rows)
    for path, value in [*left.items(), *note["values"].items()]:
        put(result, path, value)
    for path in reversed(note["lists"]):
        *above, last = path.split("/")
        owner = result
        for name in above:
            owner = owner[name]
        owner[last] = [owner[last][str(i)] for i in range(len(owner[last]))]
    return result


def table(left: dict[str, Tensor], path: str, blocks: list[list[str]]) -> Iterator[tuple[list[str], list[float]]]:
    """Yield the names and numbers of each row of a table, whose tensors are taken out of ``left``.

    Raises
    ------
    ValueError, LookupError
        There are none.
    """
    for i, names in enumerate(blocks):
        rows = left.pop(f"{path}/{i}")
        if not rows.numel():  # a number of rows that costs no bytes
            raise ValueError(f"{path!r} has no columns")
        for row in rows.tolist():
            yield names, row


def put(result: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where its path says.

    Raises
    ------
    ValueError
        Something else is there, or the path is too long.
    """
    *above, last = path.split("/")
    if len(above) >= DEEPEST:
        raise ValueError("a path of many names")
    for name in above:
        result = result.setdefault(name, {})
    if not isinstance(result, dict) or last in result:
        raise ValueError(f"{path!r} lies in a tensor, or is there twice")
    result[last] = value


def assert_same_types(mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """Assert that tensors have the names, types and shapes of others: copying would broadcast and round.

    Raises
    ------
    ValueError
        They have not.
    """
    if mine.keys() != theirs.keys():
        raise ValueError(f"it has {len(theirs)} tensors, or others than the {len(mine)} expected")
    for name, tensor in mine.items():
        kind = (theirs[name].dtype, theirs[name].shape)
        if kind != (tensor.dtype, tensor.shape):
            raise ValueError(f"{name} is {kind[0]} {tuple(kind[1])}, expected {tensor.dtype} {tuple(tensor.shape)}")


def moved(value: Any, device: torch.device | str) -> Any:
    """Return a nest with its tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: moved(each, device) for name, each in value.items()}
    return [moved(each, device) for each in value] if isinstance(value, list) else value
