"""Several runs of one model as one: what they may differ in, and how they share memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference.recipe import Recipe, RecipeError
from inference.step import BETA, State
from models import VAE

VARYING = {
    "training": {"seed", "lr", "kl_weight", "capacity"},
    "model": {"beta"},
    "schedule": True,
    "description": True,
}
"""What may differ between replicas of one vectorised step."""


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


def joined_state(vaes: Sequence[VAE]) -> State:
    """Return the state of all replicas; their modules become views of it."""
    states = [State.of(vae) for vae in vaes]
    if len(vaes) == 1:
        return states[0]
    joined = State.stacked(states)
    for r, vae in enumerate(vaes):
        view = joined.replica(r)
        for parameter, tensor in zip(vae.parameters(), view.parameters, strict=True):
            parameter.data = tensor
        names = [name for name, _ in vae.named_buffers() if name != BETA]
        for name, tensor in zip(names, view.buffers, strict=True):
            path, _, leaf = name.rpartition(".")
            vae.get_submodule(path)._buffers[leaf] = tensor
    return joined


def own(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state dict whose tensors own their memory (a replica's are views of all replicas')."""
    return {name: value.clone() for name, value in state.items()}
