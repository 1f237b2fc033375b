"""Recipes: TOML files that describe a training completely, checked key by key."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import Field, ValidationError, model_validator

from inference.explained import explain
from inference.keys import DataConfig, ImageConfig, ScheduleConfig, TrainingConfig
from inference.schedules import Schedule
from inference.tables import joined
from jets.errors import UserError
from models import ModelConfig
from models.table import Table
from priors import LatentStringError
from recipes import names

SMALL = "small"
"""The preset that every recipe has: minutes on two cores."""


class RecipeError(UserError):
    """A recipe or an option cannot be used; the message names the file, the key and the remedy."""


class Recipe(Table):
    """A complete training: data, preprocessing, model and optimisation."""

    description: str = Field("", description="one line")
    data: DataConfig = DataConfig()
    image: ImageConfig = ImageConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    schedule: ScheduleConfig = ScheduleConfig()

    @model_validator(mode="after")
    def one_loss(self) -> Recipe:
        """Assert that a range of resolutions is trained with a loss that each jet has for itself.

        Raises
        ------
        RecipeError
            It is not.
        """
        if self.model.beta.is_range:
            if self.training.free_bits or self.training.capacity is not None:
                raise RecipeError("a range of beta excludes free_bits and capacity; give one beta")
            if self.schedule.beta != Schedule():
                raise RecipeError("a range of beta leaves nothing to schedule; give one beta, or no [schedule] beta")
        return self

    @model_validator(mode="after")
    def one_on_disk(self) -> Recipe:
        """Assert that jets that stay on disk are trained on once.

        Raises
        ------
        RecipeError
            They are not.
        """
        if self.data.memory is not None and self.training.restarts > 1:
            raise RecipeError("memory excludes restarts, which are trained together; give --seeds instead")
        return self

    @model_validator(mode="after")
    def one_mixture(self) -> Recipe:
        """Assert that a mixture is not also made by other means, and is of something.

        Raises
        ------
        RecipeError
            It is, or it is not.
        """
        if self.data.mixture and (self.data.fraction or self.data.limit):
            raise RecipeError("[data] mixture excludes fraction and limit; leave them out")
        if self.data.mixture and not any(self.data.mixture.values()):
            raise RecipeError("[data] mixture: expected a share above 0")
        return self

    @model_validator(mode="after")
    def schedules_arrive(self) -> Recipe:
        """Assert that a schedule that moves by factors does not end at a recipe's own 0, and that none is ignored.

        Raises
        ------
        RecipeError
            One does, or is.
        """
        own = {"kl_weight": self.training.kl_weight, "capacity": self.training.capacity or 0.0}
        for key, stop in own.items():
            schedule = getattr(self.schedule, key).to(stop)
            if schedule.shape in ("geometric", "down-up-down") and not schedule.stop:
                raise RecipeError(f"[schedule] {key}: a {schedule.shape} schedule needs a stop above 0")
        return self

    @model_validator(mode="after")
    def one_orientation(self) -> Recipe:
        """Assert that jets that are turned at random were not turned upright before.

        Raises
        ------
        RecipeError
            They were.
        """
        if self.image.turn and {"rotate", "flip"} & set(self.image.steps):
            raise RecipeError('[image] turn = true undoes rotate and flip; take steps = ["centre"]')
        return self

    def to_toml(self) -> str:
        """Return the recipe as TOML, defaults written out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def read(recipe: str | Path, overrides: Mapping[str, Any] | None = None, preset: str | None = None) -> Recipe:
    """Return the recipe of a name in ``recipes/`` or the path of a TOML file, with overrides ``{"model.beta": 0.2}``.

    A recipe that is ``like`` another holds only what differs from it; it has the other's presets too, where it has
    none of the same name. ``preset`` chooses one of the ``[preset.NAME]`` tables, which hold only what differs from
    the recipe. Preset ``small`` exists always; without tables of its own, and without a preset, it is the recipe as
    written. An override replaces what it names, a number or a whole table.

    >>> read("image-dvae", {"training.epochs": 3, "schedule.lr.shape": "one-cycle"}).schedule.lr.shape
    'one-cycle'

    Raises
    ------
    RecipeError
        No such recipe or preset, not TOML, an unknown key (with the nearest valid one) or a value out of range.
    """
    where = f"recipe {recipe}"
    content = read_toml(recipe)
    presets = {None: {}, SMALL: {}, **content.pop("preset", {})}
    if preset not in presets:
        raise RecipeError(f"{where}: no preset {preset}; it has {', '.join(filter(None, presets))}")
    return check(merge(joined(content, presets[preset]), overrides or {}), where)


def read_toml(recipe: str | Path, origins: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the content of the recipe of a name or path, joined to what it is ``like``, unchecked.

    ``origins`` are the recipes on whose behalf it is loaded.

    Raises
    ------
    RecipeError
        No such recipe, not TOML, or recipes that are like one another in a circle.
    """
    text, folder = text_of(recipe)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, lists in lists in lists
        raise RecipeError(f"recipe {recipe}: not valid TOML: {error}") from error
    assert_presets(content, f"recipe {recipe}")
    if "like" not in content:
        return content
    like, origins = content.pop("like"), (*origins, str(recipe))
    if not isinstance(like, str):
        raise RecipeError(f"recipe {recipe}: like = {like!r}: expected the name of a recipe or the path of a TOML file")
    other = str(folder / like) if like.endswith(".toml") else like
    if place(other) in map(place, origins):
        raise RecipeError(f"recipe {' is like '.join([*origins, other])}: a circle; let one of them stand by itself")
    base = read_toml(other, origins)
    presets = base.pop("preset", {}) | content.pop("preset", {})
    return joined(base, content) | {"preset": presets}


def place(recipe: str) -> str:
    """Return the one path of a file that has several, the name of what is no file.

    >>> place("image-vae"), place("/tmp/a/../mine.toml")
    ('image-vae', '/tmp/mine.toml')
    """
    return os.path.realpath(recipe) if recipe.endswith(".toml") else recipe


def assert_presets(content: Mapping[str, Any], where: str) -> None:
    """Assert that the presets of a recipe are tables of tables.

    Raises
    ------
    RecipeError
        They are not.
    """
    presets = content.get("preset", {})
    for name, tables in presets.items() if isinstance(presets, Mapping) else [("small", presets)]:
        if not (isinstance(tables, Mapping) and all(isinstance(keys, Mapping) for keys in tables.values())):
            raise RecipeError(f"{where}: [preset.{name}] holds tables of a recipe, as [preset.{name}.training]")


def text_of(recipe: str | Path) -> tuple[str, Path]:
    """Return the text of the recipe of a name or path, and the folder where paths in it start.

    Raises
    ------
    RecipeError
        There is none; the message says which ones there are. Or it is not UTF-8.
    """
    path = Path(recipe)
    if not path.suffix and str(recipe) in names():
        return (files("recipes") / f"{recipe}.toml").read_text(encoding="utf-8"), Path()
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8-sig"), path.parent
        except UnicodeDecodeError as error:
            raise RecipeError(f"recipe {recipe}: not UTF-8: {error}") from error
    near = difflib.get_close_matches(str(recipe), names(), 1)
    hint = f"; did you mean {near[0]}?" if near else f"; recipes: {', '.join(names())}, or the path of a TOML file"
    raise RecipeError(f"recipe {recipe}: no such recipe or file{hint}")


def check(content: Mapping[str, Any], where: str) -> Recipe:
    """Validate the content of a recipe; errors speak of ``where``.

    Raises
    ------
    RecipeError
        An unknown key or a value out of range.
    LatentStringError
        The latent string cannot be read.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, LatentStringError):
            raise cause from None
        if isinstance(cause, RecipeError):
            raise RecipeError(f"{where}: {cause}") from None
        raise RecipeError(f"{where}: {explain(problem, Recipe)}") from error


def merge(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``content`` with dotted keys of any depth replaced.

    >>> merge({"model": {"beta": 1.0, "latent": "R2"}}, {"model.beta": 0.5, "schedule.lr.stop": 0.1})
    {'model': {'beta': 0.5, 'latent': 'R2'}, 'schedule': {'lr': {'stop': 0.1}}}

    Raises
    ------
    RecipeError
        A key lies below something that is no table.
    """
    result = dict(content)
    for dotted, value in overrides.items():
        *tables, key = dotted.split(".")
        inner = result
        for i, table in enumerate(tables):
            below = inner.get(table, {})
            if not isinstance(below, Mapping):
                raise RecipeError(f"{dotted}: {'.'.join(tables[: i + 1])} = {below!r} is not a table")
            inner[table] = dict(below)
            inner = inner[table]
        inner[key] = value
    return result


def override(text: str) -> tuple[str, Any]:
    """Read ``table.key=value``, the value as TOML; what is not TOML is a string.

    >>> override("schedule.lr.stop=1e-4"), override("model.latent=R4 x L2(alpha=.9)"), override("image.steps=[]")
    (('schedule.lr.stop', 0.0001), ('model.latent', 'R4 x L2(alpha=.9)'), ('image.steps', []))

    Raises
    ------
    RecipeError
        There is no ``=``, or no key before it.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not (equals and all(key.split("."))):
        raise RecipeError(f"{text}: expected TABLE.KEY=VALUE, as training.plateau=5 or schedule.lr.shape=one-cycle")
    try:
        read_as_toml = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return key, value
    return key, read_as_toml["value"] if len(read_as_toml) == 1 else value
