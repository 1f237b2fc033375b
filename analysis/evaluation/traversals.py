"""Paths through latent space, factor by factor: what changes in a jet when one latent changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from priors import Latent, Space, Superposition


class Steps(NamedTuple):
    """Where a path stops.

    Attributes
    ----------
    sweep
        Values of a real coordinate, in standard deviations of a standard prior.
    loop
        Angles of a closed loop [rad].
    edge
        Parts of the way along each edge of a simplex; none: only its vertices are visited.
    """

    sweep: tuple[float, ...]
    loop: tuple[float, ...]
    edge: tuple[float, ...] = ()


COARSE = Steps((-2.0, -1.0, 0.0, 1.0, 2.0), tuple(2 * math.pi * i / 8 for i in range(8)))
"""For a figure."""
FINE = Steps(
    tuple(i / 4 for i in range(-10, 11)),
    tuple(2 * math.pi * i / 32 for i in range(33)),
    tuple(i / 10 for i in range(11)),
)
"""For a slider."""


class Step(NamedTuple):
    """One step of a path.

    Attributes
    ----------
    name
        ``R4_0 = -2``, ``S1_0 = 0.79`` [rad], ``C2_1``, ``D3_0 to _1 = 0.5``.
    path
        The path that it belongs to: ``R4_0``, ``C2``, ``D3_0 to _1``.
    value
        Where it stands along the path; NaN at a vertex.
    factor
        Label of the factor; of one inside a superposition ``M2_R1``.
    coordinate
        The coordinate that the path follows; "" where it follows none alone.
    """

    name: str
    path: str
    value: float
    factor: str
    coordinate: str


class Place(NamedTuple):
    """A place on a path within one factor: its name, the value there, and the coordinate that moves."""

    path: str
    value: float
    coordinate: str
    features: Tensor
    inner: str = ""
    """Label of the factor within a superposition, behind an underscore."""
    rounded: bool = False
    """Whether the value is an angle, shown with two digits."""


Path = Iterator[Place]


def traversals(space: Space, z: Mapping[str, Any], steps: Steps = COARSE) -> tuple[list[Step], Tensor]:
    """Return the steps of every path, and their decoder features ``(steps, features_size)``.

    A real coordinate is swept from -2 to 2, an angle runs round its circle, a direction round a great circle, a
    simplex or category goes through its vertices, a superposition through its manifolds and within each; all other
    latents stay as they are in ``z``, the draw of one jet (label -> value, without batch dimension). In finer steps
    also along the edges of a simplex.

    >>> from priors import parse
    >>> found, points = traversals(parse("C2 x S1"), {"C2": torch.tensor([1.0, 0.0]), "S1": torch.tensor([0.5])})
    >>> [step.name for step in found[:4]], points.shape
    (['C2_0', 'C2_1', 'S1_0 = 0', 'S1_0 = 0.79'], torch.Size([10, 4]))
    """
    found, rows, start = [], [], 0
    base = space.features(z)
    for label, factor in space.items:
        for place in path(factor, z[label], steps):
            row = base.clone()
            row[start : start + factor.features_size] = place.features
            found.append(step_at(label, place))
            rows.append(row)
        start += factor.features_size
    return found, torch.stack(rows) if rows else base.new_empty(0, len(base))


def step_at(label: str, place: Place) -> Step:
    """Return the labels of a place of the factor ``label``; a vertex belongs to the path of its factor.

    >>> step_at("R4", Place("_0", -2.0, "_0", torch.ones(1)))
    Step(name='R4_0 = -2', path='R4_0', value=-2.0, factor='R4', coordinate='R4_0')
    """
    factor = label + place.inner
    coordinate = factor + place.coordinate if place.coordinate else ""
    if math.isnan(place.value):
        return Step(factor + place.path, factor, place.value, factor, "")
    name = f"{factor}{place.path} = {place.value:{'.2g' if place.rounded else 'g'}}"
    return Step(name, factor + place.path, place.value, factor, coordinate)


def path(factor: Latent, value: Any, steps: Steps) -> Path:
    """Yield the places on the paths of one factor whose value is ``value`` elsewhere."""
    if isinstance(factor, Superposition):
        yield from manifolds(factor, value, steps)
    else:
        yield from PATHS[factor.kind](factor, value, steps)


def sweep(factor: Latent, value: Tensor, steps: Steps) -> Path:
    """Sweep each real coordinate."""
    for k in range(factor.dim):
        for step in steps.sweep:
            yield Place(f"_{k}", step, f"_{k}", factor.features(replaced(value, k, step)))


def loop(factor: Latent, value: Tensor, steps: Steps) -> Path:
    """Run round each circle."""
    for k in range(factor.dim):
        for angle in steps.loop:
            yield Place(f"_{k}", angle, f"_{k}", factor.features(replaced(value, k, angle)), rounded=True)


def great_circle(factor: Latent, value: Tensor, steps: Steps) -> Path:
    """Run round the great circle through the value and its nearest pole, the last axis."""
    pole = torch.zeros_like(value)
    pole[-1] = 1.0
    aside = pole - (pole @ value) * value
    if aside.norm() < 1e-3:
        aside = pole.roll(1)
    for angle in steps.loop:
        turned = math.cos(angle) * value + math.sin(angle) * normalize(aside, dim=0)
        yield Place("", angle, "", factor.features(turned), rounded=True)


def vertices(factor: Latent, value: Tensor, steps: Steps) -> Path:
    """Visit each category: what the decoder sees of it are the weights themselves."""
    for k, features in enumerate(torch.eye(factor.dim, dtype=value.dtype)):
        yield Place(f"_{k}", math.nan, "", features)


def edges(factor: Latent, value: Tensor, steps: Steps) -> Path:
    """Walk along each edge of a simplex, from vertex to vertex."""
    if not steps.edge:
        yield from vertices(factor, value, steps)
    corners = torch.eye(factor.dim, dtype=value.dtype)
    for first, last in combinations(range(factor.dim), 2):
        for part in steps.edge:
            yield Place(f"_{first} to _{last}", part, "", torch.lerp(corners[first], corners[last], part))


def manifolds(factor: Superposition, value: Mapping[str, Any], steps: Steps) -> Path:
    """Visit each manifold, and follow the paths within it."""
    chosen = torch.eye(factor.dim, dtype=value["category"].dtype)
    for number in range(factor.dim):
        yield Place(f"_{number}", math.nan, "", factor.features({**value, "category": chosen[number]}))
    start = factor.dim
    for number, label, inner in factor.items:
        for place in path(inner, value[label], steps):
            row = factor.features({**value, "category": chosen[number]})
            row[start : start + inner.features_size] = place.features
            yield place._replace(features=row, inner=f"_{label}")
        start += inner.features_size


PATHS: dict[str, Callable[[Latent, Tensor, Steps], Path]] = {
    "real": sweep,
    "angle": loop,
    "direction": great_circle,
    "simplex": edges,
    "category": vertices,
}
"""Kind of a factor -> its paths."""


def replaced(value: Tensor, index: int, by: float) -> Tensor:
    """Return a copy of ``value`` with one entry replaced."""
    result = value.clone()
    result[index] = by
    return result
