"""What distributions and transforms hold: their modules, and their tensors on another device."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Transform


def modules_in(thing: Any, seen: set[int] | None = None) -> list[nn.Module]:
    """Return the modules that a distribution or a factory holds; a transform and its inverse hold one another."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return []
    if isinstance(thing, nn.Module):
        seen.add(id(thing))
        return [thing]
    if isinstance(thing, Distribution | Transform):
        seen.add(id(thing))
        return [module for value in vars(thing).values() for module in modules_in(value, seen)]
    return [module for value in thing for module in modules_in(value, seen)] if isinstance(thing, list | tuple) else []


def moved(thing: Any, like: Tensor, done: dict[int, Any] | None = None) -> Any:
    """Return a distribution with its tensors on the device and in the dtype of ``like``; modules stay themselves.

    ``done`` holds what has been moved: a transform and its inverse hold one another.
    """
    done = {} if done is None else done
    if isinstance(thing, Tensor):
        return thing.to(like.device, like.dtype if thing.is_floating_point() else thing.dtype)
    if isinstance(thing, list | tuple) and not isinstance(thing, torch.Size):
        return type(thing)(moved(item, like, done) for item in thing)
    if isinstance(thing, Distribution | Transform) and not isinstance(thing, nn.Module):
        if id(thing) not in done:
            result = done[id(thing)] = copy.copy(thing)
            result.__dict__.update({key: moved(value, like, done) for key, value in vars(thing).items()})
        return done[id(thing)]
    return thing
