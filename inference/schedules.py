"""Schedules: a number of the recipe as a function of training progress."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from models.table import Table

Shape = Literal["constant", "linear", "cosine", "geometric", "cyclical", "down-up-down", "one-cycle"]


class Schedule(Table):
    r"""A number that goes from ``start`` to ``stop`` as training goes from 0 to 1.

    ================  =================================================================================================
    ``constant``      ``stop``
    ``linear``        straight from start to stop during the first ``over`` of training, then stop
    ``cosine``        half a cosine, likewise
    ``geometric``     straight in the logarithm, likewise; these three wait at start during the first ``delay``
    ``cyclical``      ``cycles`` times: linear during the first ``over`` of the cycle, then stop (Fu et al. 1903.10145)
    ``down-up-down``  geometric start - stop - start - stop, a third each (Collins 2109.10919: exposes hysteresis)
    ``one-cycle``     cosine from stop/25 up to stop at 0.3, then down to stop/10^4 (Smith & Topin 1708.07120)
    ================  =================================================================================================

    >>> anneal = Schedule(shape="geometric", start=1.0, stop=0.01, over=0.5)
    >>> [round(anneal(t), 4) for t in (0.0, 0.25, 0.5, 1.0)]
    [1.0, 0.1, 0.01, 0.01]
    """

    shape: Shape = Field("constant", description="how the number moves")
    start: float | None = Field(None, description="value at the beginning; needed by all but constant and one-cycle")
    stop: float | None = Field(None, description="value at the end; the recipe's own by default")
    over: float = Field(1.0, gt=0, le=1, description="part of training, or of a cycle, in which it moves")
    delay: float = Field(0.0, ge=0, lt=1, description="part of training before it moves")
    cycles: int = Field(1, ge=1, description="of a cyclical schedule")

    @model_validator(mode="after")
    def complete(self) -> Schedule:
        """Assert that the shape has what it needs.

        Raises
        ------
        ValueError
            A start is missing, a value is not positive, or it moves before it may.
        """
        if self.shape not in ("constant", "one-cycle") and self.start is None:
            raise ValueError(f"a {self.shape} schedule needs start")
        if self.shape in ("geometric", "down-up-down") and min(self.start or 0, self.stop or 1) <= 0:
            raise ValueError(f"a {self.shape} schedule needs positive values")
        if self.delay >= self.over:
            raise ValueError(f"delay = {self.delay:g} must lie below over = {self.over:g}")
        return self

    def to(self, stop: float) -> Schedule:
        """Return the schedule with ``stop`` filled in where the recipe left it out."""
        return self if self.stop is not None else self.model_copy(update={"stop": stop})

    def __call__(self, progress: float) -> float:
        """Return the value at ``progress`` in 0..1."""
        stop = 0.0 if self.stop is None else self.stop
        start = stop if self.start is None else self.start
        if self.shape == "constant":
            return stop
        if self.shape == "one-cycle":
            return one_cycle(stop, progress)
        if self.shape == "cyclical":
            progress = progress * self.cycles % 1.0 if progress < 1 else 1.0
        if self.shape == "down-up-down":
            part, rest = divmod(min(progress, 1 - 1e-12) * 3, 1)
            return start * (stop / start) ** (1 - rest if part == 1 else rest)
        moved = (progress - self.delay) / (self.over - self.delay)
        return between(self.shape, start, stop, min(1.0, max(0.0, moved)))


def between(shape: Shape, start: float, stop: float, t: float) -> float:
    """Return the value a part ``t`` of the way from start to stop."""
    if shape == "geometric":
        return start * (stop / start) ** t
    if shape == "cosine":
        t = (1 - math.cos(math.pi * t)) / 2
    return start + (stop - start) * t


def one_cycle(peak: float, progress: float) -> float:
    """Return the one-cycle value: up to ``peak`` during 0.3 of training, then down.

    >>> [round(one_cycle(1.0, t), 5) for t in (0.0, 0.3, 1.0)]
    [0.04, 1.0, 0.0001]
    """
    if progress < 0.3:
        return between("cosine", peak / 25, peak, progress / 0.3)
    return between("cosine", peak, peak / 1e4, (progress - 0.3) / 0.7)


def plateau_factor(losses: list[float], patience: int, factor: float) -> float:
    """Return what a plateau schedule multiplies the learning rate by, from the validation losses so far.

    ``factor`` for each time that ``patience`` epochs passed without a new best since the last new best or drop.

    >>> plateau_factor([5.0, 4.0, 4.1, 4.2, 4.3, 4.4], patience=2, factor=0.5)
    0.25
    """
    best, waited, result = math.inf, 0, 1.0
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if patience and waited >= patience:
            result, waited = result * factor, 0
    return result


def should_stop(losses: list[float], patience: int) -> bool:
    """Whether ``patience`` epochs (0: never) have passed since the best validation loss.

    >>> should_stop([3.0, 2.0, 2.5, 2.4], patience=2), should_stop([3.0, 2.0], patience=0)
    (True, False)
    """
    return bool(patience and losses) and len(losses) - 1 - (best_of(losses) or 0) >= patience


def best_of(losses: list[float]) -> int | None:
    """Return the index of the first lowest loss, None where no loss is finite.

    >>> best_of([math.nan, 2.0, 2.5, 2.0]), best_of([math.nan])
    (1, None)
    """
    finite = [loss if math.isfinite(loss) else math.inf for loss in losses]
    best = min(finite, default=math.inf)
    return finite.index(best) if math.isfinite(best) else None
