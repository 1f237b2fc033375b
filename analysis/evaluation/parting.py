r"""A search over structures: manifolds grown factor by factor, and points parted by a category.

On all points a search goes from R0 (a point, smeared by beta) to ever better manifolds
(:mod:`analysis.evaluation.climbing`). Then the points are parted (:mod:`analysis.measures.parts`); each side has a
model of its own, and

.. math:: p(x) = \sum_k w_k\,p_k(x)

is a density that held-out points judge, whether or not the sides are right. A parting that describes them better is
followed: each side is searched on its own, points are dealt anew by p(k|x) (Celeux & Diebolt, Comput. Stat. Q. 2 (1985)
73), and sides are parted further. In the end sides that one manifold describes as well are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from analysis.evaluation.climbing import Ground, Tried, log_p, raced
from analysis.measures.manifolds import Gain, Manifold
from analysis.measures.parts import FEWEST, partitions

DEEPEST = 2
"""Times that points are parted, one within another."""

Points = NDArray[np.floating]


class Side(NamedTuple):
    """A part of the points, the share of them that it is, and the manifold that it lies on."""

    name: str
    weight: float
    best: Tried
    ground: Ground


class Parting(NamedTuple):
    """An attempt to part a side, or to merge sides: structures before and after, and the gain on held-out points."""

    side: str
    way: str
    before: str
    after: str
    gain: Gain
    followed: bool


@dataclass
class Search:
    """A search on points, and the partings that it tried, in order."""

    ground: Ground
    partings: list[Parting] = field(default_factory=list)

    def run(self) -> list[Side]:
        """Return the sides, that of most points first."""
        [point] = self.ground.tried([Manifold(0, 0, 0)])
        whole = Side("", 1.0, self.ground.climb(point, "all"), self.ground)
        sides = self.merged(self.parted(whole, DEEPEST))
        return sorted(sides, key=lambda side: -side.weight)

    def parted(self, side: Side, depth: int) -> list[Side]:
        """Return a side, or what it is parted in: the best of the ways, if it describes the points better.

        Ways are compared with manifolds like that of the whole on each side.
        """
        own = side.ground
        if not depth or len(own.train) < 2 * FEWEST:
            return [side]
        ways = partitions(np.concatenate([own.train, own.held_out]), own.beta, own.seed)
        tried = {way: alike(side, label) for way, label in ways.items()}
        gains = {way: gain(parts, side) for way, parts in tried.items()}
        if not tried:
            return [side]
        way = max(gains, key=lambda name: gains[name].mean)
        parts = tried[way]
        if gains[way].counts:
            parts = searched(parts)
            parts = max(parts, dealt(parts, side), key=lambda found: gain(found, side).mean)
        if not self.noted(side.name or "all", way, [side], parts, gain(parts, side)):
            return [side]
        return [each for part in parts for each in self.parted(part, depth - 1)]

    def merged(self, sides: list[Side]) -> list[Side]:
        """Return sides of which no two are described as well by the manifold of one of them."""
        for pair in combinations(sides, 2) if len(sides) > 2 else ():
            joint = together(pair)
            others = [side for side in sides if side not in pair]
            before, after = (mixture(each, self.ground.held_out) for each in (sides, [*others, joint]))
            change = Gain.of(after, before)
            if self.noted(" and ".join(side.name for side in pair), "merged", pair, [joint], change, not change.loses):
                return self.merged([*others, joint])
        return sides

    def noted(
        self,
        side: str,
        way: str,
        before: Sequence[Side],
        after: Sequence[Side],
        change: Gain,
        followed: bool | None = None,
    ) -> bool:
        """Keep and print an attempt; return whether it is followed."""
        followed = change.counts if followed is None else followed
        self.partings.append(Parting(side, way, latent(before), latent(after), change, followed))
        self.ground.say(
            f"{side}: {way}: {latent(before)} -> {latent(after)}  {change}{'' if followed else ', not followed'}"
        )
        return followed


def latent(sides: Sequence[Side]) -> str:
    """Return the structure of sides as a latent string."""
    return " | ".join(str(side.best.manifold) for side in sides)


def mixture(sides: Sequence[Side], points: Points) -> Points:
    """Return ln p(x) ``(N,)`` [nat] of points ``(N, K)``, by all sides together."""
    return np.asarray(logsumexp(log_joint(sides, points), axis=0))


def log_joint(sides: Sequence[Side], points: Points) -> Points:
    """Return ln w_k p_k(x) ``(sides, N)`` [nat] of points ``(N, K)``."""
    weights = np.log([side.weight for side in sides]) - np.log(sum(side.weight for side in sides))
    return weights[:, None] + np.stack([log_p(side.best.model, points) for side in sides])


def gain(parts: Sequence[Side], side: Side) -> Gain:
    """Return what parts of a side gain on its held-out points."""
    return Gain.of(mixture(parts, side.ground.held_out), side.best.log_p)


def alike(side: Side, label: NDArray[np.integer]) -> list[Side]:
    """Return the parts of a side by the number of each point, ``(N,)``, on manifolds like that of the whole."""
    train, held_out = np.split(label, [len(side.ground.train)])
    kinds = [side.best.manifold if side.best.manifold.dimension else Manifold(1, 0, 0)] * (int(label.max()) + 1)
    return on(side, kinds, train, held_out)


def on(side: Side, kinds: Sequence[Manifold], train: Points, held_out: Points) -> list[Side]:
    """Return the parts of a side, on a manifold each, by the number of each of its points."""
    grounds = [side.ground.part(train == k, held_out == k) for k in range(len(kinds))]
    bests = raced(list(zip(grounds, kinds, strict=True)))
    names = [f"{side.name}.{k + 1}".strip(".") for k in range(len(kinds))]
    weights = [side.weight * float((train == k).mean()) for k in range(len(kinds))]
    return [Side(*each) for each in zip(names, weights, bests, grounds, strict=True)]


def searched(parts: Sequence[Side]) -> list[Side]:
    """Return the parts of a side, each searched on its own."""
    return [part._replace(best=part.ground.climb(part.best, f"side {part.name}")) for part in parts]


def dealt(parts: Sequence[Side], side: Side) -> list[Side]:
    """Return parts on the same manifolds, to which the points of a side are dealt anew, each by chance p(k|x)."""
    random = np.random.default_rng(side.ground.seed)
    chosen = []
    for points in (side.ground.train, side.ground.held_out):
        joint = log_joint(parts, points)
        chosen.append((joint + random.gumbel(size=joint.shape)).argmax(0))
    if min(np.bincount(label, minlength=len(parts)).min() for label in chosen) < 2:
        return list(parts)
    return on(side, [part.best.manifold for part in parts], *chosen)


def together(pair: Sequence[Side]) -> Side:
    """Return two sides as one, on that of their manifolds that describes both better."""
    first = pair[0].ground
    train, held_out = (np.concatenate([getattr(side.ground, name) for side in pair]) for name in ("train", "held_out"))
    ground = Ground(train, held_out, first.beta, first.seed, first.budget, first.pool, first.say, first.steps)
    kinds = dict.fromkeys(side.best.manifold for side in pair)
    best = max(ground.tried(kinds), key=lambda each: each.log_p.mean())
    return Side("+".join(side.name for side in pair), sum(side.weight for side in pair), best, ground)
