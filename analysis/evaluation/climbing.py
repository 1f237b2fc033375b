"""One step of a search over manifolds at a time: what is tried on some points, and how far it describes others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray

from analysis.measures.manifolds import Gain, Manifold, better
from analysis.measures.trust import weighed
from inference.lower_bound import elbo
from inference.race import Budget, Winner, padded_points, race
from jets.notes import inform

DRAWS = 200
"""Draws of the guide for each point."""
BUDGET = Budget(shared=True)

Points = NDArray[np.floating]


class Point(NamedTuple):
    """The model without latents: a normal distribution of width beta about a point."""

    mean: Points
    beta: float


class Tried(NamedTuple):
    """A manifold that was tried.

    Attributes
    ----------
    manifold, model
        What it is, and the best of its models.
    log_p
        ln p(x) of the held-out points ``(N,)`` [nat].
    kl
        Mean KL on them of each latent in use: reals, angles, direction [nat].
    seconds
        That it took.
    """

    manifold: Manifold
    model: Winner | Point
    log_p: Points
    kl: tuple[float, ...]
    seconds: float


class Step(NamedTuple):
    """What one generation came to: what was tried with its gains over the best so far, and which it went over to."""

    side: str
    before: Manifold
    tried: Sequence[Tried]
    gains: Sequence[Gain]
    chosen: Manifold | None


@dataclass
class Ground:
    """Points to search on: trained on, and held out.

    Attributes
    ----------
    train, held_out
        Points ``(N, K)``.
    beta, seed, budget
        Of the race.
    pool
        Processes that race several manifolds at a time, if any.
    say
        What is printed of each step.
    """

    train: Points
    held_out: Points
    beta: float
    seed: int = 0
    budget: Budget = BUDGET
    pool: Executor | None = None
    say: Callable[[str], None] = inform
    steps: list[Step] = field(default_factory=list)

    def part(self, train: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> Ground:
        """Return the ground of some of the points; what is found there is recorded here too."""
        train_on, rest = self.train[train], self.held_out[held_out]
        return Ground(train_on, rest, self.beta, self.seed, self.budget, self.pool, self.say, self.steps)

    def tried(self, manifolds: Iterable[Manifold]) -> list[Tried]:
        """Return what manifolds come to."""
        return raced([(self, manifold) for manifold in manifolds])

    def climb(self, first: Tried, side: str) -> Tried:
        """Return where the search ends that goes from manifold to manifold, as long as one is better.

        First a number or an angle is added, and where that helps a direction is tried too. Where it does not, a factor
        is left out or exchanged; where that does not help either, the search ends.
        """
        known, best, passed = {first.manifold: first}, first, {first.manifold}
        while True:
            for moves in (best.manifold.grown, best.manifold.changed):
                new = self.generation([manifold for manifold in moves if manifold not in known], best)
                known |= {each.manifold: each for each in new}
                chosen = follower(best, [known[each] for each in moves if each in known and each not in passed])
                self.record(side, best, new, chosen)
                if chosen is not None:
                    break
            if chosen is None:
                return best
            best = chosen
            passed.add(best.manifold)

    def generation(self, manifolds: Sequence[Manifold], best: Tried) -> list[Tried]:
        """Return what manifolds come to; those of two dimensions more only where one of one more is better."""
        far = [each for each in manifolds if each.dimension > best.manifold.dimension + 1]
        new = self.tried(each for each in manifolds if each not in far)
        return new + self.tried(far if any(Gain.of(each.log_p, best.log_p).counts for each in new) else [])

    def record(self, side: str, best: Tried, new: Sequence[Tried], chosen: Tried | None) -> None:
        """Keep and print what a generation came to."""
        gains = [Gain.of(each.log_p, best.log_p) for each in new]
        for each, gain in zip(new, gains, strict=True):
            self.say(f"{side}: {best.manifold} -> {each.manifold}  {gain}  {each.seconds:.0f} s")
        self.steps.append(Step(side, best.manifold, new, gains, chosen and chosen.manifold))
        if chosen is not None:
            self.say(f"{side}: goes over to {chosen.manifold}")


def as_good(steps: Sequence[Step], side: str, manifold: Manifold) -> list[Manifold]:
    """Return what was tried on a side of the same dimension as the manifold found there, and is as good."""
    own = [step for step in steps if step.side == side]
    tried = {
        each.manifold: each for step in own for each in step.tried if each.manifold.dimension == manifold.dimension
    }
    if manifold in tried:
        gains = {name: Gain.of(each.log_p, tried[manifold].log_p) for name, each in tried.items()}
    else:
        at_end = [step for step in own if step.before == manifold]
        gains = {t.manifold: gain for step in at_end for t, gain in zip(step.tried, step.gains, strict=True)}
    return [name for name, gain in gains.items() if name in tried and name != manifold and not gain.loses]


def follower(best: Tried, candidates: Sequence[Tried]) -> Tried | None:
    """Return the simplest of the candidates that are as good as the best of them, if it is better than ``best``."""
    if not candidates:
        return None
    top = max(candidates, key=lambda each: each.log_p.mean())
    level = [each for each in candidates if not Gain.of(each.log_p, top.log_p).loses]
    found = min(level, key=lambda each: each.manifold.simplicity)
    return found if better(found.manifold, Gain.of(found.log_p, best.log_p), best.manifold) else None


def raced(tasks: Sequence[tuple[Ground, Manifold]]) -> list[Tried]:
    """Return what manifolds come to, each on its ground; several at a time where there are processes."""
    pool = tasks[0][0].pool if tasks else None
    arguments = [(g.train, g.held_out, g.beta, g.seed, g.budget, manifold) for g, manifold in tasks]
    return list((pool.map if pool else map)(contest, *zip(*arguments, strict=True))) if arguments else []


def contest(train: Points, held_out: Points, beta: float, seed: int, budget: Budget, manifold: Manifold) -> Tried:
    """Return what a manifold comes to on points."""
    start, model = time.perf_counter(), Point(train.mean(0), beta)
    kl: tuple[float, ...] = ()
    if manifold.dimension:
        model = race(train, str(manifold), beta, seed=seed, budget=budget)  # type: ignore[assignment]
        kl = tuple(float(value) for value in coordinate_kl(model, manifold, held_out).mean(0))  # type: ignore[arg-type]
    return Tried(manifold, model, log_p(model, held_out, seed), kl, time.perf_counter() - start)


def log_p(model: Winner | Point, points: Points, seed: int = 0) -> Points:
    """Return ln p(x) ``(N,)`` [nat] of points ``(N, K)``."""
    if isinstance(model, Point):
        squared = ((points - model.mean) ** 2).sum(1) / (2 * model.beta**2)
        return -squared - points.shape[1] * np.log(model.beta * np.sqrt(2 * np.pi))
    torch.manual_seed(seed)  # the first race of a process traces, and so draws more than others
    return weighed(model.log_weights(points, DRAWS).T)[0]


@torch.no_grad()
def coordinate_kl(model: Winner, manifold: Manifold, points: Points) -> Points:
    """Return the KL ``(N, n)`` [nat] of each latent: real numbers, angles, direction."""
    x, vae = padded_points((points - model.mean) / model.scale), model.vae
    with torch.random.fork_rng(devices=[]), pyro.validation_enabled(False):
        found = elbo(vae.model, vae.guide, x).kl.values()
    kinds = [kl[:, :count] for kl, count in zip(found, manifold, strict=True)]  # the others are switched off
    return torch.cat(kinds, -1).double().numpy()
