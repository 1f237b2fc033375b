"""Recipes: every key by `--set` and from a file; what is accepted is what was given, and trains nothing senseless."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import tomli_w

from inference.recipe import Recipe, RecipeError, check, override, read
from inference.schedules import Schedule
from models import Beta
from recipes import names

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal

entries = Entries()
VALUES = (
    "0",
    "1",
    "2",
    "3",
    "-1",
    "0.5",
    "1e-3",
    "100",
    "1e9",
    "1e308",
    "1e-300",
    "nan",
    "inf",
    "-inf",
    "true",
    "false",
    "[]",
    "[1]",
    "[0.1, 1]",
    "[1, 0.1]",
    "[8, 8]",
    "[0, 0]",
    "[nan, 1]",
    "{}",
    "{a = 1}",
    "'x'",
    "x",
    "''",
    "auto",
    "0.1:1",
    "cpu",
    "normal",
    "emd",
    "R2",
    "R2 x",
    "cosine",
    "1_000",
    "0x10",
    "2020-01-01",
    "[[1], [2]]",
    "[1, 'a']",
    "9" * 30,
    "{shape = 'linear', start = 1.0}",
    "{shape = 'geometric', start = 0}",
    "{start = nan}",
    "{shape = 'one-cycle'}",
    "['centre']",
    "['centre', 'centre']",
    "['turn']",
    "{qcd = 0.5}",
    "{qcd = 2}",
    "{qcd = nan}",
    "é",
    "[",
    '"',
    "= 3",
)


def keys() -> list[str]:
    """Return all keys of a recipe, dotted, those of schedules too."""
    found = []
    for table, field in Recipe.model_fields.items():
        inner = getattr(field.annotation, "model_fields", {})
        found += [f"{table}.{key}" for key in inner] or [table]
    return found + [f"schedule.{key}.{part}" for key in ("lr", "beta", "capacity") for part in Schedule.model_fields]


KEYS = keys()


FITTING = {
    bool: ("true", "false"),
    int: ("1", "2", "3", "100", "0"),
    float: ("0.1", "0.5", "1e-3", "1", "2.5", "0"),
    str: ("'R2'", "S1", "normal", "x", "linear", "one-cycle", "relu", "fused"),
    Beta: ("0.1", "[0.1, 1]", "0.1:1", "2"),
    tuple: ("[8, 8]", "[0.1, 0.2]", "[]", "['centre']", "['sample:w']", "[16]"),
    dict: ("{qcd = 0.5}", "{}", "{a = 1}"),
    Schedule: ("{shape = 'linear', start = 1.0}", "{shape = 'one-cycle'}", "{}"),
}
"""Kind of a key's default -> values of that kind."""


def value_for(random: Random, key: str) -> str:
    """Return the text of a value, most often one of the key's kind."""
    found: Any = Recipe()
    for part in key.split("."):
        found = getattr(found, part, None)
    return pick(random, FITTING.get(type(found), VALUES) if random.random() < 0.75 else VALUES)


def misspelt(random: Random, key: str) -> str:
    """Return a key with a character missing, a table too many, or none."""
    place = int(random.integers(len(key)))
    return pick(
        random, (key[:place] + key[place + 1 :], f"{key}.x", f"x.{key}", key.upper(), key.split(".")[-1], "", ".")
    )


def tree(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain values."""
    return recipe.model_dump(mode="json", exclude_none=True)


def finite(value: Any) -> bool:
    """Whether no number in nested values is NaN or infinite."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def sound(recipe: Recipe) -> None:
    """Assert that a recipe is that of its own text, finite, and that its schedules give finite numbers."""
    assert check(tomllib.loads(recipe.to_toml()), "again") == recipe
    assert finite(tree(recipe))
    own = {"lr": recipe.training.lr, "beta": recipe.model.beta.typical, "kl_weight": recipe.training.kl_weight}
    for key, stop in own.items():
        schedule = getattr(recipe.schedule, key).to(stop)
        assert all(math.isfinite(schedule(t)) for t in (0.0, 0.2, 0.5, 0.999, 1.0)), key


def holds(recipe: Recipe, key: str, value: Any) -> None:
    """Assert that a key has the value that was given."""
    found: Any = recipe
    for part in key.split("."):
        found = getattr(found, part)
    if isinstance(found, Beta):
        assert found == Beta.of(value)
    elif isinstance(value, bool | int | float) and not isinstance(found, str):
        assert found == value or math.isclose(found, value), f"{key} = {value!r} became {found!r}"
        assert isinstance(found, bool) or not isinstance(value, bool), f"{key} = {value!r} became {found!r}"
    elif isinstance(value, list):
        assert list(found) == value, f"{key} = {value!r} became {found!r}"


@entries(2500)
def keys_by_option(random: Random) -> str:
    """`--set KEY=VALUE`: the recipe holds what was given, or the key is refused by its name."""
    given = {}
    for _ in range(int(random.integers(1, 3))):
        key = pick(random, KEYS)
        value = value_for(random, key)
        if random.random() < 0.1:
            key = misspelt(random, key)
        read_option = attempt(override, f"{key}{pick(random, ('=', ' = '))}{value}")
        if isinstance(read_option, Exception):
            return refusal(read_option, "TABLE.KEY=VALUE")
        given[read_option[0]] = read_option[1]
    found = attempt(read, pick(random, names()), given, pick(random, (None, None, "small")))
    if isinstance(found, Exception):
        parts = {part for key in given for part in key.split(".")}
        return refusal(found, *parts, "latent string", "beta", "capacity", "kl_weight", "equivariant", "turn")
    sound(found)
    for key, value in given.items():
        if not any(key.startswith(f"{table}.") for table in given):  # a whole table replaces its keys
            holds(found, key, value)
    return RIGHT


BROKEN = (
    "[data",
    "a = ",
    "= 1",
    "[data]\nfiles = 3",
    "like = 3",
    "like = 'nothing'",
    "like = 'own.toml'",
    "[preset]\nx = 1",
    "[preset.small]\nx = 1",
    "preset = 3",
    "[model]\nlatent = 'R2'\nlatent = 'R3'",
    "\0",
    "model = 3",
    "[[model]]\n",
    "like = ''",
    "like = '../{0}/own.toml'",
    "like = '.'",
    "[preset.small.training]\nepochs = -1",
    "[preset.small.training]\nepochs = 'x'",
    "like = 'image-dvae'",
)


@entries(1200)
def files_of_recipes(random: Random, tools: Tools) -> str:
    """Recipes as TOML files, cut, changed and circular."""
    path = tools.folder / "own.toml"
    content: Any = tree(read(pick(random, names())))
    table = pick(random, list(content))
    if isinstance(content[table], dict) and content[table] and random.random() < 0.6:
        key = pick(random, list(content[table]))
        content[table] = content[table] | {key: pick(random, (None, -1, 0, 1e300, "x", [], {}, True, [1, 2], 10**18))}
        content[table] = {name: value for name, value in content[table].items() if value is not None}
    text = tomli_w.dumps(content)
    if random.random() < 0.5:
        text = pick(random, BROKEN).replace("{0}", tools.folder.name) + ("\n" + text if random.random() < 0.3 else "")
    if random.random() < 0.2:
        text = text[: int(random.integers(len(text) + 1))]
    path.write_bytes(text.encode(pick(random, ("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig"))))
    found = attempt(read, path, {}, pick(random, (None, None, "small", "paper", "")))
    if isinstance(found, Exception):
        assert isinstance(found, RecipeError) or "latent string" in str(found), found
        return refusal(found)
    sound(found)
    return RIGHT
