"""Keys of a recipe that would be silently ignored: when each is used, and what is said where one is set and is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from inference.rare_share import has_order
from inference.recipe import Recipe, RecipeError
from inference.schedules import Schedule
from jets.notes import LOG

SCHEDULED = {
    "lr": "training.lr",
    "beta": "model.beta",
    "kl_weight": "training.kl_weight",
    "capacity": "training.capacity",
}
"""Schedule -> the key at whose value it ends by default."""
MOVING = ("linear", "cosine", "geometric", "cyclical")
DECIDED = ("inputs", "scale", "shift")
"""Keys of the model that vectors decide."""


class Case(NamedTuple):
    """A recipe, and whether the data are vectors."""

    recipe: Recipe
    vectors: bool


class Rule(NamedTuple):
    """When keys are used, and what a recipe lacks where they are not."""

    keys: tuple[str, ...]
    used: Callable[[Case], bool]
    lacking: str


def has_kl(case: Case) -> bool:
    """Whether the loss has a KL that can be weighed."""
    return case.recipe.model.kind == "vae" and case.recipe.training.objective == "elbo"


def weighs_kl(case: Case) -> bool:
    """Whether the KL has a weight at any time."""
    schedule = case.recipe.schedule.kl_weight.to(case.recipe.training.kl_weight)
    starts = schedule.shape not in ("constant", "one-cycle") and bool(schedule.start)
    return has_kl(case) and bool(schedule.stop or starts)


def has_hidden_layers(case: Case) -> bool:
    """Whether an activation follows anything."""
    model = case.recipe.model
    return bool(model.encoder or model.decoder or model.clouds)


def of_schedule(name: str, used: Callable[[Schedule], bool]) -> Callable[[Case], bool]:
    """Return whether a key of the schedule ``name`` is used, as its rule takes it."""
    return lambda case: used(getattr(case.recipe.schedule, name))


def rules_of_schedules() -> Iterator[Rule]:
    """Yield when the keys within each schedule are used, and the value that it replaces."""
    for name, own in SCHEDULED.items():
        table = f"schedule.{name}"
        moves = of_schedule(name, lambda schedule: schedule.shape not in ("constant", "one-cycle"))
        yield Rule((f"{table}.start",), moves, "a shape that moves from start to stop")
        waits = of_schedule(name, lambda schedule: schedule.shape in MOVING)
        yield Rule((f"{table}.over", f"{table}.delay"), waits, f"one of the shapes {', '.join(MOVING)}")
        cycles = of_schedule(name, lambda schedule: schedule.shape == "cyclical")
        yield Rule((f"{table}.cycles",), cycles, "shape = 'cyclical'")
        if name in ("lr", "kl_weight"):
            open_end = of_schedule(name, lambda schedule: schedule.stop is None)
            yield Rule((own,), open_end, f"a [schedule] {name} that leaves stop out")


RULES = (
    Rule(("training.particles",), lambda case: case.recipe.training.objective == "iwae", "objective = 'iwae'"),
    Rule(("training.objective",), lambda case: case.recipe.model.kind == "vae", "[model] kind = 'vae'"),
    Rule(("training.restarts_by",), lambda case: case.recipe.training.restarts > 1, "restarts"),
    Rule(
        ("training.restarts_by",),
        lambda case: has_order(case.recipe),
        "mixtures that the prior makes rare, as L2(alpha=1,0.25) does",
    ),
    Rule(
        ("training.kl_weight", "schedule.kl_weight.shape", "schedule.kl_weight.stop"),
        has_kl,
        "[model] kind = 'vae' and objective = 'elbo'",
    ),
    Rule(
        ("training.free_bits", "training.capacity"),
        weighs_kl,
        "[model] kind = 'vae', objective = 'elbo' and a kl_weight above 0",
    ),
    Rule(
        ("schedule.capacity.shape", "schedule.capacity.stop"),
        lambda case: weighs_kl(case) and case.recipe.training.capacity is not None,
        "[training] capacity",
    ),
    *rules_of_schedules(),
    Rule(("data.cache",), lambda case: case.recipe.data.memory is not None, "memory, which leaves jets on disk"),
    Rule(("data.constituents",), lambda case: not case.vectors, "jets (the data are vectors)"),
    Rule(
        ("image.pixels", "image.width", "image.steps", "image.turn"),
        lambda case: not case.vectors,
        "jets (the data are vectors)",
    ),
    Rule(
        ("model.metric", "model.particles", "model.attention"),
        lambda case: case.recipe.model.clouds,
        "particle clouds, likelihood = 'emd'",
    ),
    Rule(
        ("model.architecture", "model.batch_norm", "model.decoder_bias", "model.inputs"),
        lambda case: not case.recipe.model.clouds,
        "images or vectors, likelihood = 'pixels' or 'normal'",
    ),
    Rule(
        ("model.scale", "model.shift"),
        lambda case: not case.recipe.model.clouds and case.recipe.model.architecture == "dense",
        "a dense network of images or vectors",
    ),
    Rule(("model.activation",), has_hidden_layers, "hidden layers"),
    Rule(("model.batch_norm",), lambda case: bool(case.recipe.model.encoder), "hidden layers of the encoder"),
    Rule(("model.beta_step",), lambda case: case.recipe.model.beta.is_range, "a range of beta"),
)
"""Every key that some recipe does not use; a key may stand in several, and needs all of them."""


def value(recipe: Recipe, key: str) -> Any:
    """Return the value of a dotted key."""
    found: Any = recipe
    for part in key.split("."):
        found = getattr(found, part)
    return found


def unused(recipe: Recipe, *, vectors: bool) -> list[str]:
    """Return in words each key that is set to another value than its default and has no effect.

    >>> from inference.recipe import read
    >>> unused(read("image-vae", {"training.particles": 16}), vectors=False)
    ["[training] particles = 16 has no effect without objective = 'iwae'"]
    """
    case, default, found = Case(recipe, vectors), Recipe(), dict[str, str]()
    for rule in RULES:
        for key in rule.keys:
            given = value(recipe, key)
            if given != value(default, key) and not rule.used(case):
                table, _, name = key.rpartition(".")
                found.setdefault(key, f"[{table}] {name} = {given!r} has no effect without {rule.lacking}")
    return list(found.values())


def assert_used(recipes: Sequence[Recipe], *, vectors: bool) -> None:
    """Assert that no key of recipes to be trained, on ``vectors`` or on jets, is ignored.

    What says how to train must be used. Of model and data, where a recipe is changed into another kind, it is said.

    Raises
    ------
    RecipeError
        A key of ``[training]`` or ``[schedule]`` is ignored; the message names each.
    """
    found = dict.fromkeys(text for recipe in recipes for text in unused(recipe, vectors=vectors))
    refused = [text for text in found if text.startswith(("[training]", "[schedule"))]
    if refused:
        raise RecipeError(f"{'; '.join(refused)}; leave {'it' if len(refused) == 1 else 'them'} out")
    for text in found:
        LOG.warning("%s", text)


def say_decided(given: Recipe, completed: Recipe) -> None:
    """Say which keys of the model the data have decided otherwise than given."""
    for key in DECIDED:
        own, used = getattr(given.model, key), getattr(completed.model, key)
        if own not in (used, getattr(Recipe().model, key)):
            LOG.warning("[model] %s = %r is not used: the data say %r", key, own, used)
