"""Models that train together: what they may differ in, how they share memory, and the program of their step.

A model that trains alone is one replica of one: its tensors too have a leading replica dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from inference.folder import RunError, RunFolder
from inference.history import VALIDATED, History
from inference.noise import WholeBatch, trace
from inference.program import make_program, usual_generator
from inference.recipe import Recipe, RecipeError, TrainingConfig
from inference.schedules import best_of, should_stop
from inference.share import ALONE, Share
from inference.splits import Split
from inference.step import Layout, State, make_step
from inference.tensors import assert_same_types
from models import VAE

VARYING = {
    "training": {"seed", "lr", "kl_weight", "capacity"},
    "model": {"beta"},
    "schedule": True,
    "description": True,
}
"""What may differ between replicas of one vectorised step."""


@dataclass
class Replica:
    """One of the models that train together, and what is its own.

    Attributes
    ----------
    folder, recipe
        Where its run lies, and what was asked for.
    vae
        The model; its parameters and buffers are views of ``state``.
    split
        Its training, validation and test jets.
    generator
        The source of its noise.
    history
        What was recorded so far.
    state
        Its part of the state of all, without the replica dimension.
    best
        Of a training that may stop early: the model's state after the epoch of the best validation loss so far.
    failure
        Why it trains no further, if it failed.
    seed
        Of its initial weights, order and noise.
    """

    folder: RunFolder
    recipe: Recipe
    vae: VAE
    split: Split
    generator: Generator
    history: History
    state: State
    best: dict[str, Any] | None = None
    failure: str = ""
    seed: int = 0

    @property
    def stopped(self) -> bool:
        """Whether it stopped early, having got no better for as long as its recipe waits."""
        return should_stop(self.history.validation_losses, self.recipe.training.early_stop)

    @property
    def over(self) -> bool:
        """Whether it trains no further: stopped early, or failed."""
        return bool(self.failure) or self.stopped

    @property
    def kept(self) -> tuple[dict[str, Any], int]:
        """The state to be kept and its epoch: the best of a training that may stop early, else the last."""
        best = best_of(self.history.validation_losses)
        if self.best is None or best is None:
            return own(self.vae.state_dict()), len(self.history.epochs)
        return self.best, best + 1

    def record(self, row: dict[str, float]) -> None:
        """Add an epoch to the history; of a training that may stop early, keep the state while it is the best."""
        self.history.epochs.append(row)
        if self.recipe.training.early_stop:
            best = name_best(self.history)
            if best == len(self.history.epochs) - 1:
                self.best = own(self.vae.state_dict())

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Everything that its training moves, by name: the model, and the optimiser's moments."""
        first = {f"first moment of {name}": tensor for name, tensor in self.moments(self.state.first).items()}
        second = {f"second moment of {name}": tensor for name, tensor in self.moments(self.state.second).items()}
        return self.vae.state_dict() | first | second

    def moments(self, vectors: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return the views of Adam's moments of each parameter."""
        return Layout(self.vae).split(vectors)

    def content(self) -> dict[str, Any]:
        """Return all that is needed to train on as if nothing had happened: the content of a checkpoint."""
        best = {} if self.best is None else {"best": self.best}
        return (
            best
            | {
                "model": own(self.vae.state_dict()),
                "first": [tensor.clone() for tensor in self.moments(self.state.first).values()],
                "second": [tensor.clone() for tensor in self.moments(self.state.second).values()],
                "count": self.state.count.clone(),
                "rng": self.generator.get_state(),
                "epochs": self.history.epochs,
                "steps": self.history.steps,
            }
            | ({"begun": self.history.begun} if len(self.history.begun) else {})
        )

    def restore(self, content: dict[str, Any]) -> None:
        """Undo :meth:`content`, in place.

        Raises
        ------
        ValueError, LookupError, TypeError, AttributeError, RuntimeError
            It is not the content of a checkpoint, or of another model's.
        """
        model, best = self.vae.state_dict(), content.get("best")
        moments = [self.moments(each).values() for each in (self.state.first, self.state.second)]
        mine = [*moments[0], *moments[1], self.state.count]
        theirs = [*content["first"], *content["second"], content["count"]]
        for found in [content["model"]] if best is None else [content["model"], best]:
            assert_same_types(model, found)
        assert_same_types(dict(enumerate(mine)), dict(enumerate(theirs)))  # type: ignore[arg-type]
        also = VALIDATED if len(self.split.validation) else set()
        perhaps = {"best"} if self.recipe.training.early_stop else set()
        epochs, steps = self.history.checked(content["epochs"], content["steps"].cpu(), also, perhaps)
        begun = self.history.checked_begun(content.get("begun", torch.zeros(0, 0)))
        self.generator.set_state(content["rng"].cpu())
        self.vae.load_state_dict(content["model"])
        for tensor, value in zip(mine, theirs, strict=True):
            tensor.copy_(value)
        self.history.epochs, self.history.steps, self.best = epochs, steps, best
        self.history.begun = begun
        if self.recipe.training.early_stop and self.history.epochs:
            name_best(self.history)  # rows of before the best was kept do not


class Alone:
    """The program of one replica, called like that of several, with a leading dimension of 1."""

    def __init__(self, program: Callable[..., Tensor], state: State) -> None:
        self.program, self.flat = program, state.replica(0).flat

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take a step; return its report ``(1, terms)``."""
        constituents, *own = inputs[len(self.flat) :]
        return self.program(*self.flat, constituents, *(tensor[0] for tensor in own)).unsqueeze(0)


def assert_alike(recipes: Sequence[Recipe]) -> None:
    """Assert that recipes differ only in what replicas may differ in.

    Raises
    ------
    RecipeError
        They differ in something else.
    """
    fixed = [recipe.model_dump(exclude=VARYING) for recipe in recipes]  # type: ignore[arg-type]
    ranges = {recipe.model.beta if recipe.model.beta.is_range else None for recipe in recipes}
    if len(ranges) > 1 or any(other != fixed[0] for other in fixed):
        allowed = "seed, beta, lr, kl_weight, capacity and schedules only"
        raise RecipeError(f"replicas may differ in {allowed}; a range of beta is the same for all")


def name_best(history: History) -> int | None:
    """Let the last row of a history, and any that does not yet, name the best epoch so far; return its index."""
    losses, best = history.validation_losses, None
    for i, row in enumerate(history.epochs):
        if "best" not in row or i == len(losses) - 1:
            best = best_of(losses[: i + 1])
            row["best"] = math.nan if best is None else best + 1.0
    return best


def plan(jets: int, config: TrainingConfig) -> tuple[int, int]:
    """Return the jets of a step and the steps of an epoch, for so many training jets."""
    size = min(config.batch_size, jets)
    return size, jets // size


def common_plan(jets: Sequence[int], config: TrainingConfig) -> tuple[int, int]:
    """Return the plan of replicas with these numbers of training jets.

    Raises
    ------
    RecipeError
        They have different ones: with event numbers, the number of training jets depends on the seed.
    """
    plans = {plan(count, config) for count in jets}
    if len(plans) > 1:
        steps = " and ".join(str(steps) for _, steps in sorted(plans))
        raise RecipeError(
            f"split by event, these seeds make epochs of {steps} steps; train one at a time: --together 1"
        )
    return plans.pop()


def assert_as_far(replicas: Sequence[Replica]) -> None:
    """Assert that replicas that are not over have trained equally long.

    Raises
    ------
    RunError
        They have not.
    """
    going = [replica for replica in replicas if not replica.over]
    done = [len(replica.history.epochs) for replica in going]
    if len(set(done)) > 1:
        furthest, other = (going[done.index(n)].folder.path for n in (max(done), min(done)))
        raise RunError(f"{furthest} has trained longer than {other}; resume each by itself")


def joined_state(vaes: Sequence[VAE]) -> State:
    """Return the state of R models, each tensor ``(R, ...)``; their parameters and buffers become views of it."""
    joined = State.stacked([State.of(vae) for vae in vaes])
    for r, vae in enumerate(vaes):
        joined.replica(r).share(vae)
    return joined


def own(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state dict whose tensors own their memory (a replica's are views of all replicas')."""
    return {name: value.clone() for name, value in state.items()}


def make_generators(seeds: Sequence[int], device: torch.device) -> list[Generator]:
    """Return the source of noise of each replica; a single one uses torch's own, as plain Pyro would."""
    if len(seeds) > 1:
        return [Generator(device).manual_seed(seed) for seed in seeds]
    return [usual_generator(device)]


def program_of(
    replicas: Sequence[Replica],
    state: State,
    inputs: Sequence[Tensor],
    make: Callable[[Tensor], Tensor],
    config: TrainingConfig,
    *,
    compiled: bool,
    share: Share = ALONE,
) -> tuple[Callable[..., Tensor], str]:
    """Return the step of all replicas as a program, and why it is slow if it is.

    Parameters
    ----------
    replicas, state
        R of them, and their joined state.
    inputs
        Examples: constituents, rows ``(R, B)``, controls ``(R, 4)``, and weights ``(R, B)`` where there are any.
        Of a shared batch, this process' rows and weights.
    make
        Makes the model's data from constituents.
    config, compiled
        Of the training, and whether to compile.
    share
        Of this process in each batch.

    Returns
    -------
    program
        Function ``(*state.flat, *inputs)`` -> report ``(R, terms)``.
    reason
        What kept the model from being traced, or "".
    """
    constituents, *own = inputs
    single, flat = len(replicas) == 1, state.replica(0).flat
    interpreted = single and not compiled
    step = make_step(replicas[0].vae, make, config, interpreted=interpreted, share=share)
    example = [*flat, constituents, *(tensor[0] for tensor in own)]
    generators, whole = [replica.generator for replica in replicas], None
    if share.of > 1:
        rows, controls, *weights = (tensor[0] for tensor in own)
        every = [torch.cat([tensor] * share.of) for tensor in (rows, *weights)]
        alone = make_step(replicas[0].vae, make, config, interpreted=interpreted)
        whole = WholeBatch(trace(alone, [*flat, constituents, every[0], controls, *every[1:]])[1], share)
    program = make_program(step, example, generators, compiled=compiled, shared=len(flat), whole=whole)
    return Alone(program, state) if single else program, program.reason
