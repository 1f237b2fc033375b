"""Toys by text: points of the size that was asked for, finite, on their manifold; or the refusal of an argument."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

import jets
from jets.toys import TOYS, parse

from .cases import REFUSED, RIGHT, Entries, Random, attempt, pick, refusal

entries = Entries()
NUMBERS = ("0", "1", "2", "3", "0.5", "1e-9", "1e9", "2.5", "0.1", "10", "1e-300", "1e15")
WRONG = (
    "-1",
    "nan",
    "inf",
    "1e400",
    "x",
    "",
    "1,,2",
    "1;2",
    "0x10",
    "1e",
    "--1",
    "None",
    "True",
    "'3'",
    "1_0",
    "²",
    "1 2",
)
RADII = {"circle": (1.0, 1.0), "annulus": (0.0, math.inf), "sphere": (1.0, 1.0), "ball": (0.0, 1.0)}


def value(random: Random, default: Any) -> str:
    """Return the text of an argument, most often one that fits its kind."""
    if random.random() < 0.15:
        return pick(random, WRONG)
    if isinstance(default, bool):
        return pick(random, ("true", "false", "no", "1", "Yes"))
    if isinstance(default, tuple):
        return ",".join(pick(random, NUMBERS) for _ in range(int(random.integers(1, 5))))
    return str(random.integers(0, 40)) if isinstance(default, int) else pick(random, NUMBERS)


def written(random: Random) -> tuple[str, dict[str, str]]:
    """Return the text of a toy and its arguments as text."""
    name = pick(random, list(TOYS))
    known = inspect.signature(TOYS[name]).parameters
    some = [key for key in known if key == "n" or random.random() < 0.5]
    given = {key: value(random, known[key].default) for key in random.permutation(some)}
    space = pick(random, ("", " ", "  "))
    inside = f",{space}".join(f"{key}{space}={space}{text}" for key, text in given.items())
    return f"{name}({inside})", given


def mangled(random: Random, text: str) -> str:
    """Remove, double or replace one character."""
    place = int(random.integers(len(text)))
    return (
        text[:place] + pick(random, ("", text[place] * 2, "(", ")", ",", "=", " ", "é", "\n", "\0")) + text[place + 1 :]
    )


@entries(2000)
def toys_by_text(random: Random) -> str:
    """Arguments of every kind: as many finite points as asked for, at the radii of the manifold."""
    text, given = written(random)
    found = attempt(parse, text)
    if isinstance(found, Exception):
        assert given, text
        return refusal(found, text.split("(")[0])
    assert not any(wrong in given.values() for wrong in ("nan", "inf", "-1", "x", "1e400")), text
    assert np.isfinite(found.points).all(), text
    assert len(found.points) == len(found.label) == int(given.get("n", 20_000))
    assert all(np.isfinite(column).all() and len(column) == len(found.points) for column in found.truth.values())
    assert not math.isnan(found.entropy)
    assert 0 <= found.dimension <= found.points.shape[1]
    low, high = RADII.get(text.split("(")[0], (0, math.inf))
    radius = np.linalg.norm(found.points, axis=1)
    assert ((radius > low - 1e-9) & (radius < high + 1e-9)).all(), text
    return RIGHT


@entries(1000)
def toys_as_jets(random: Random) -> str:
    """The same by `jets.load`, and texts with a character out of place."""
    text, _ = written(random)
    if random.random() < 0.5:
        text = mangled(random, text)
    found = attempt(jets.load, f"toy:{text}")
    if isinstance(found, Exception):
        return refusal(found, "toy")
    assert found.are_vectors
    assert np.isfinite(found.constituents).all()
    return RIGHT if len(found) else REFUSED
