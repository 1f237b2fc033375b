"""Damage that keeps a file's grammar: other values in JSON, TOML, CSV, and in the header of safetensors."""

from __future__ import annotations

import json
import struct
import tomllib
from collections.abc import Callable
from random import Random
from typing import Any

import tomli_w

from .mutate import mutated

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 2**31, 2**63, 10**30, -1.5, 0.0, 1e-300, 1e308, float("nan"), float("inf"), "",
    "x", "0.5", "nan", "R9", "S1 x S1", "os:_exit(0)", "../..", "/etc/passwd", "<script>alert(1)</script>", "\x1b[2J",
    "a\0b", "\u202e", "ü" * 300, [], [1], [[]], {}, {"a": 1}, [None], ["x", 1],
)  # fmt: skip
"""What may stand in the place of a value."""
Change = Callable[[bytes, Random], bytes]


def places(content: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in lists and tables."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path for key, value in inner for path in [(*here, key), *places(value, (*here, key))]]


def changed(content: Any, random: Random) -> Any:
    """Return content with a value replaced, removed, doubled or renamed."""
    where = places(content)
    if not where or random.random() < 0.02:
        return random.choice(VALUES)
    *outer, key = random.choice(where)
    table = content
    for each in outer:
        table = table[each]
    way = random.random()
    if way < 0.2:
        del table[key]
    elif way < 0.3 and isinstance(table, dict):
        table[random.choice(("x", "seed", "latent", key * 2, ""))] = table.pop(key)
    else:
        table[key] = random.choice(VALUES)
    return content


def json_of(data: bytes, random: Random) -> bytes:
    """Change JSON, mostly keeping it JSON."""
    if random.random() < 0.4:
        return mutated(data, random)
    return json.dumps(changed(json.loads(data), random)).encode("utf-8", "surrogatepass")


def toml_of(data: bytes, random: Random) -> bytes:
    """Change TOML, mostly keeping it TOML."""
    if random.random() < 0.4:
        return mutated(data, random)
    found = changed(tomllib.loads(data.decode()), random)
    try:
        return tomli_w.dumps(found).encode()
    except (TypeError, ValueError, AttributeError):  # what TOML does not have: null, or no table
        return json.dumps(found).encode()


def csv_of(data: bytes, random: Random) -> bytes:
    """Change a table of numbers, mostly keeping it one."""
    if random.random() < 0.4:
        return mutated(data, random)
    rows = [line.split(",") for line in data.decode().splitlines()]
    row = random.choice(rows)
    way = random.random()
    if way < 0.6:
        row[random.randrange(len(row))] = str(random.choice(VALUES)).replace("\n", " ")
    elif way < 0.7:
        rows.remove(row)
    elif way < 0.8:
        rows.insert(random.randrange(len(rows)), list(row))
    else:
        del row[random.randrange(len(row)) :]
    return ("\n".join(map(",".join, rows)) + "\n").encode("utf-8", "surrogatepass")


def safetensors_of(data: bytes, random: Random) -> bytes:
    """Change the header of safetensors, or any bytes."""
    if random.random() < 0.5:
        return mutated(data, random)
    length = struct.unpack("<Q", data[:8])[0]
    header = json.dumps(changed(json.loads(data[8 : 8 + length]), random)).encode("utf-8", "surrogatepass")
    said = len(header) if random.random() < 0.9 else random.choice((0, 2**63, length, 2**40))
    return struct.pack("<Q", said) + header + data[8 + length :]
