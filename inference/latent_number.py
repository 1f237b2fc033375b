"""How many latents do the data need? Double a real factor R^n until a brief training leaves some unused.

D2 counts no more dimensions than there are latents. What is asked is the finest resolution of a range, where most are
in use: a latent is in use where its mean KL on held-out jets is at least a tenth of a nat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray

from inference.alone import alone
from inference.folder import RunFolder, assert_new
from inference.interruption import Interrupted
from inference.lower_bound import elbo
from inference.recipe import Recipe, RecipeError
from inference.run import Run
from inference.sample import assert_enough, load_for, ready
from inference.training import none_left, train, train_many
from priors import Normal, Space, parse

MOST = 64
"""Latents at which the search ends."""
SHARE = 0.25
"""Epochs of a brief training, in units of the recipe's."""
IN_USE = 0.1
"""Mean KL from which a latent is in use [nat]: as in ``bound`` of the dimension."""
LATENTS = "latents"
"""Of the provenance of a run: how the number of its latents was found."""
JETS, BATCH = 3000, 1000
"""Held-out jets that are asked at most, and at a time."""


class Tried(NamedTuple):
    """A training with so many latents.

    Attributes
    ----------
    latent
        The latent space.
    kl
        Mean KL of each latent of the factor that grows, at the finest resolution, falling ``(n,)`` [nat].
    """

    latent: str
    kl: tuple[float, ...]

    @property
    def in_use(self) -> int:
        """How many are in use."""
        return sum(value >= IN_USE for value in self.kl)

    @property
    def spare(self) -> int:
        """How many are not."""
        return len(self.kl) - self.in_use

    def __str__(self) -> str:
        return (
            f"{self.latent}: {self.in_use} of {len(self.kl)} in use at the finest beta, "
            f"KL {sum(self.kl):.2f} nat, of the least {min(self.kl):.2f}"
        )


class Found(NamedTuple):
    """How many latents are enough.

    Attributes
    ----------
    latent
        The latent space to train with: those in use and a spare one, no fewer than the recipe has.
    tried
        The brief trainings, in their order.
    """

    latent: str
    tried: tuple[Tried, ...]

    @property
    def enough(self) -> bool:
        """Whether the last brief training left some unused."""
        return self.tried[-1].spare > 0

    def __str__(self) -> str:
        if self.enough:
            return f"latent space: {self.latent}"
        return f"latent space: {self.latent}; none of it is spare, and more are not tried: D2 is a lower bound"

    @property
    def record(self) -> dict[str, Any]:
        """What the provenance of a run says of the search."""
        tried = [{"latent": each.latent, "in_use": each.in_use, "kl": list(each.kl)} for each in self.tried]
        return {LATENTS: {"tried": tried, "epochs": SHARE, "threshold": IN_USE, "enough": self.enough}}


def find(recipe: Recipe, say: Callable[[str], None] = print) -> Found:
    """Return how many latents are enough for a recipe of a range of resolutions; say what each brief training found.

    The first real factor R^n of the latent space is doubled, to at most 64, until some latent is not in use. Each size
    is trained for a quarter of the epochs; nothing of these trainings is kept. A brief training may not take up what a
    long one does: ask that too by :func:`in_use`.

    Raises
    ------
    RecipeError
        There is no range of beta, no prior, or no real factor that can grow; or as :func:`inference.training.train`.
    Interrupted
        The search was stopped; nothing is kept.
    """
    assert_grows(recipe)
    own, tried = parse(recipe.model.latent), list[Tried]()
    least = own.factors[place(own)].dim
    with TemporaryDirectory() as folder:
        for size in sizes(least):
            run = brief(with_latent(recipe, grown(own, size)), Path(folder) / f"R{size}")
            tried.append(in_use(run))
            say(str(tried[-1]))
            if tried[-1].spare:
                break
    wanted = max(least, tried[-1].in_use + 1)
    found = Found(grown(own, min(wanted, len(tried[-1].kl))), tuple(tried))
    say(str(found))
    return found


def sizes(first: int) -> Iterator[int]:
    """Yield the numbers of latents to try.

    >>> list(sizes(5)), list(sizes(100))
    ([5, 10, 20, 40, 64], [100])
    """
    yield first
    while first < MOST:
        first = min(2 * first, MOST)
        yield first


def assert_grows(recipe: Recipe) -> None:
    """Assert that a recipe has a finest resolution, a KL, and a real factor.

    Raises
    ------
    RecipeError
        It has not; the message says what to give.
    """
    if not recipe.model.beta.is_range:
        raise RecipeError(f"beta = {recipe.model.beta}: --latents auto needs a range of beta: --beta LOW:HIGH")
    if recipe.model.kind != "vae":
        raise RecipeError(f"kind = '{recipe.model.kind}': --latents auto needs [model] kind = 'vae', which has a KL")
    place(parse(recipe.model.latent))


def place(space: Space) -> int:
    """Return the number of the first real factor.

    Raises
    ------
    RecipeError
        There is none of its own; one within a superposition does not grow.
    """
    for number, factor in enumerate(space.factors):
        if type(factor) is Normal:
            return number
    raise RecipeError(f"latent = '{space}': --latents auto needs a real factor to grow, as in --latent 'R2 x S1'")


def grown(space: Space, size: int) -> str:
    """Return the latent space with so many latents in its first real factor.

    >>> grown(parse("S1 x R2 x R3"), 8)
    'S1 x R8 x R3'
    """
    found = place(space)
    return str(Space(*space.factors[:found], Normal(size), *space.factors[found + 1 :]))


def with_latent(recipe: Recipe, latent: str) -> Recipe:
    """Return a recipe with another latent space."""
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"latent": latent})})


def brief(recipe: Recipe, folder: Path) -> Run:
    """Train a recipe for a part of its epochs, once; same errors as :func:`find`."""
    short = {"epochs": max(1, round(SHARE * recipe.training.epochs)), "restarts": 1, "restarts_by": "loss"}
    try:
        return train(recipe.model_copy(update={"training": recipe.training.model_copy(update=short)}), folder)
    except Interrupted:
        raise Interrupted(
            "interrupted while it looked for the number of latents; nothing is kept; give the same command again"
        ) from None


def in_use(run: Run) -> Tried:
    """Return what the latents of the factor that grows carry, on validation jets; where there are none, on test jets.

    Raises
    ------
    RecipeError
        As :func:`assert_grows`.
    """
    assert_grows(run.recipe)
    index = (run.split.validation if len(run.split.validation) else run.split.test)[:JETS]
    weights = None if run.jets.weights is None else run.jets.weights[index]
    mean = np.average(kl_of(run, index), axis=0, weights=weights)
    return Tried(run.recipe.model.latent, tuple(round(float(value), 4) for value in np.sort(mean)[::-1]))


@torch.no_grad()
def kl_of(run: Run, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the KL of jets in each latent of the factor that grows, ``(len(index), n)`` [nat], at the finest beta."""
    space, pieces = run.vae.latent, []
    site = f"z_{space.labels[place(space)]}"
    with torch.random.fork_rng(devices=[]), pyro.validation_enabled(False), run.vae.at(run.recipe.model.beta.low):
        for x in run.data.batches(index, BATCH):
            pieces.append(elbo(run.vae.model, run.vae.guide, x).kl[site].double().numpy())
    return np.concatenate(pieces)


def train_with(recipe: Recipe, folder: Path, found: Found) -> Run:
    """Train a recipe in a new folder whose provenance says from the beginning how its latents were found.

    Raises
    ------
    RunError
        The folder exists; or as :func:`inference.training.train`.
    """
    jets = load_for(recipe)
    [recipe] = ready([recipe], jets)
    assert_enough(recipe, jets)
    assert_new(folder)
    with alone([folder]):
        made = RunFolder.create(folder, recipe, jets)
        with none_left([made]):
            note([folder], found)
            return train_many([recipe], [folder], resume=True)[0]


def note(folders: list[Path], found: Found) -> None:
    """Write into the provenance of runs that have begun how their latents were found."""
    for each in map(RunFolder, folders):
        each.write_provenance(each.provenance() | found.record)
