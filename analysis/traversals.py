"""Paths through latent space, factor by factor: what changes in a jet when one latent changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from priors import Latent, Space, Superposition

SWEEP = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Values of a real coordinate, in standard deviations of a standard prior."""
LOOP = tuple(2 * math.pi * i / 8 for i in range(8))
"""Angles of a closed loop [rad]."""

Path = Iterator[tuple[str, Tensor]]
"""Name of each step, and the factor's features there, ``(features_size,)``."""


def traversals(space: Space, z: Mapping[str, Any]) -> tuple[list[str], Tensor]:
    """Return names and decoder features ``(steps, features_size)`` of every path.

    A real coordinate is swept from -2 to 2, an angle runs round its circle, a direction round a great circle, a
    simplex or category goes through its vertices, a superposition through its manifolds and within each; all other
    latents stay as they are in ``z``, the draw of one jet (label -> value, without batch dimension). Names are
    ``R4_0 = -2``, ``S1_0 = 0.79`` [rad], ``C2_1``.

    >>> from priors import parse
    >>> names, points = traversals(parse("C2 x S1"), {"C2": torch.tensor([1.0, 0.0]), "S1": torch.tensor([0.5])})
    >>> names[:4], points.shape
    (['C2_0', 'C2_1', 'S1_0 = 0', 'S1_0 = 0.79'], torch.Size([10, 4]))
    """
    names, rows, start = [], [], 0
    base = space.features(z)
    for label, factor in space.items:
        for name, features in path(factor, z[label]):
            row = base.clone()
            row[start : start + factor.features_size] = features
            names.append(label + name)
            rows.append(row)
        start += factor.features_size
    return names, torch.stack(rows) if rows else base.new_empty(0, len(base))


def path(factor: Latent, value: Any) -> Path:
    """Yield the steps of one factor whose value is ``value`` elsewhere."""
    if isinstance(factor, Superposition):
        yield from manifolds(factor, value)
    else:
        yield from PATHS[factor.kind](factor, value)


def sweep(factor: Latent, value: Tensor) -> Path:
    """Sweep each real coordinate."""
    for k in range(factor.dim):
        for step in SWEEP:
            yield f"_{k} = {step:g}", factor.features(replaced(value, k, step))


def loop(factor: Latent, value: Tensor) -> Path:
    """Run round each circle."""
    for k in range(factor.dim):
        for angle in LOOP:
            yield f"_{k} = {angle:.2g}", factor.features(replaced(value, k, angle))


def great_circle(factor: Latent, value: Tensor) -> Path:
    """Run round the great circle through the value and its nearest pole, the last axis."""
    pole = torch.zeros_like(value)
    pole[-1] = 1.0
    aside = pole - (pole @ value) * value
    if aside.norm() < 1e-3:
        aside = pole.roll(1)
    for angle in LOOP:
        yield f" = {angle:.2g}", factor.features(math.cos(angle) * value + math.sin(angle) * normalize(aside, dim=0))


def vertices(factor: Latent, value: Tensor) -> Path:
    """Visit each vertex of a simplex, each category: what the decoder sees of them are the weights themselves."""
    for k, features in enumerate(torch.eye(factor.dim, dtype=value.dtype)):
        yield f"_{k}", features


def manifolds(factor: Superposition, value: Mapping[str, Any]) -> Path:
    """Visit each manifold, and follow the paths within it."""
    chosen = torch.eye(factor.dim, dtype=value["category"].dtype)
    for number in range(factor.dim):
        yield f"_{number}", factor.features({**value, "category": chosen[number]})
    start = factor.dim
    for number, label, inner in factor.items:
        for name, features in path(inner, value[label]):
            row = factor.features({**value, "category": chosen[number]})
            row[start : start + inner.features_size] = features
            yield f"_{label}{name}", row
        start += inner.features_size


PATHS: dict[str, Callable[[Latent, Tensor], Path]] = {
    "real": sweep,
    "angle": loop,
    "direction": great_circle,
    "simplex": vertices,
    "category": vertices,
}
"""Kind of a factor -> its paths."""


def replaced(value: Tensor, index: int, by: float) -> Tensor:
    """Return a copy of ``value`` with one entry replaced."""
    result = value.clone()
    result[index] = by
    return result
