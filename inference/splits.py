"""Which jets train, which are watched in training, and which test: by the seed and their number, or by their keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from inference.events import parted_by_event
from inference.recipe import DataConfig, RecipeError
from jets.out_of_core.keys import Keys, keys, uniform
from jets.out_of_core.sample import DiskJets

if TYPE_CHECKING:
    from jets import Jets

Index = NDArray[np.int64]
PARTS = ("train", "validation", "test")
WATCHED = 50_000
"""Validation jets of a split by keys, about, at most: they stay in memory."""
TRAIN, VALIDATION, TEST, LEFT_OUT = range(4)
"""Sides of a split by keys."""


class Rows(Protocol):
    """Numbers of the jets of a part, rising."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, rows: slice) -> Index: ...
    @overload
    def __getitem__(self, rows: int) -> np.int64: ...


@dataclass(frozen=True)
class Split:
    """Numbers of the training, validation and test jets, each rising."""

    train: Index
    validation: Index
    test: Index

    def counts(self, jets: Jets | DiskJets) -> dict[str, dict[str, int]]:
        """Return part -> class -> number of its jets."""
        assert not isinstance(jets, DiskJets)
        found = {part: np.bincount(jets.label[getattr(self, part)], minlength=len(jets.classes)) for part in PARTS}
        return {part: dict(zip(jets.classes, each.tolist(), strict=True)) for part, each in found.items()}

    def weight_sums(self, jets: Jets | DiskJets) -> dict[str, float]:
        """Return part -> sum of the weights of its jets; empty where jets have none."""
        assert not isinstance(jets, DiskJets)
        weights = jets.weights
        return {} if weights is None else {part: float(weights[getattr(self, part)].sum()) for part in PARTS}


def split(jets: Jets, config: DataConfig, seed: int) -> Split:
    """Split each class by ``seed``, and keep of its training and validation jets the share that ``config`` says.

    ``config.fraction`` keeps a share of a class; ``config.limit`` thins the classes before that, training and
    validation jets in the same proportion; ``config.mixture`` keeps as many of each class as make such a mixture. The
    test part depends on none of them, so results at different mixtures are scored on the same jets. Of jets with event
    numbers it is the events that are split; no event has jets in two parts.

    With ``config.split = "counted"`` the parts have the wanted numbers of jets; with ``"hashed"`` each jet has its
    side by itself, whatever other jets there are and in which order (:class:`Sides`).

    Raises
    ------
    RecipeError
        A share for a class that the data lack, or outside 0..1; or too few jets are left.
    """
    result = hashed(jets, config, seed) if config.split == "hashed" else counted(jets, config, seed)
    assert_trainable(len(result.train))
    return result


def assert_trainable(count: int) -> None:
    """Assert that there are jets to train on.

    Raises
    ------
    RecipeError
        There are not.
    """
    if count < 2:
        raise RecipeError(f"only {count} jets are left to train on; raise fraction or give more data")


def counted(jets: Jets, config: DataConfig, seed: int) -> Split:
    """Return the split into parts of the wanted numbers of jets."""
    parts: tuple[list[Index], ...] = ([], [], [])
    sides = parted(jets, config, seed)
    shares = shares_of(config, jets.classes, [len(train) for *_, train in sides])
    for share, (test, validation, train) in zip(shares, sides, strict=True):
        for part, index in zip(parts, (_thin(train, share), _thin(validation, share), test), strict=True):
            part.append(index)
    return Split(*(np.sort(np.concatenate(part)) for part in parts))


def shares_of(config: DataConfig, classes: Sequence[str], training: Sequence[int]) -> list[float]:
    """Return which share of the training and validation jets of each class is kept.

    Parameters
    ----------
    config, classes
        What is wanted, and the classes of the data.
    training
        Number of training jets of each class before any is left out.

    Raises
    ------
    RecipeError
        A share for a class that the data lack, or outside 0..1.

    Examples
    --------
    >>> shares_of(DataConfig(mixture={"qcd": 0.9, "top": 0.1}), ["qcd", "top"], [1000, 1000])
    [1.0, 0.11111111111111112]
    """
    for key, given in (("fraction", config.fraction), ("mixture", config.mixture)):
        unknown = set(given) - set(classes)
        if unknown:
            raise RecipeError(f"{key}: unknown class {sorted(unknown)[0]!r}; the data have {', '.join(classes)}")
    if config.mixture:
        for name, count in zip(classes, training, strict=True):
            if config.mixture.get(name) and not count:
                raise RecipeError(
                    f"mixture: no jet of {name} is left to train on; give more, or leave {name} out of it"
                )
        wanted = [config.mixture.get(name, 0.0) / max(1, count) for name, count in zip(classes, training, strict=True)]
        return [each / max(wanted) for each in wanted]
    for name, share in config.fraction.items():
        if not 0 <= share <= 1:
            raise RecipeError(f"fraction: {name} = {share} is not between 0 and 1")
    limit = config.limit or math.inf
    return [
        config.fraction.get(name, 1.0) * min(1.0, limit / max(1, count))
        for name, count in zip(classes, training, strict=True)
    ]


def parted(jets: Jets, config: DataConfig, seed: int) -> list[tuple[Index, ...]]:
    """Return the test, validation and training part of each class, in random order."""

    def cut(index: Index, number: int) -> tuple[Index, ...]:
        order = np.random.default_rng((seed, number)).permutation(index)
        test, rest = np.split(order, [round(config.test * len(order))])
        validation, train = np.split(rest, [round(config.validation * len(rest))])
        return test, validation, train

    count = len(jets.classes)
    if jets.events is not None:
        return parted_by_event(jets.label, jets.events, count, cut)
    return [cut(np.flatnonzero(jets.label == i), i) for i in range(count)]


def _thin(index: Index, share: float) -> Index:
    return index[: round(share * len(index))]


Keyed = tuple[Keys, NDArray[np.int64]]
"""Keys and labels of some jets, ``(n,)`` each."""


class Sides(NamedTuple):
    """The side of each jet, by its key alone.

    Of three numbers u, v, w in [0, 1) that key and seed make: a jet tests if u < ``test``; of the others the part
    ``validation`` is watched, the rest trains. Those are left out if v is not below the share of their class, and of
    the watched those with w not below ``watched``.
    """

    seed: int
    test: float
    validation: float
    shares: tuple[float, ...]
    watched: float = 1.0

    def of(self, key: Keys, label: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the side of each jet, ``(n,)``."""
        u = uniform(key, self.seed, 0)
        side = np.where(u < self.test, TEST, TRAIN).astype(np.int8)
        side[(u >= self.test) & (u - self.test < self.validation * (1 - self.test))] = VALIDATION
        if min(self.shares) < 1:
            out = uniform(key, self.seed, 1) >= np.array(self.shares)[label]
            side[out & (side != TEST)] = LEFT_OUT
        if self.watched < 1:
            side[(side == VALIDATION) & (uniform(key, self.seed, 2) >= self.watched)] = LEFT_OUT
        return side


def sides_for(config: DataConfig, classes: Sequence[str], seed: int, jets: Callable[[], Iterable[Keyed]]) -> Sides:
    """Return the sides that a recipe's jets have; ``jets`` gives keys and labels of all of them, some at a time.

    Raises
    ------
    RecipeError
        As :func:`shares_of`.
    """
    before = Sides(seed, config.test, config.validation, (1.0,) * len(classes))
    training, watched = (np.zeros(len(classes), np.int64) for _ in range(2))
    for key, label in jets():
        side = before.of(key, label)
        training += np.bincount(label[side == TRAIN], minlength=len(classes))
        watched += np.bincount(label[side == VALIDATION], minlength=len(classes))
    shares = shares_of(config, classes, training.tolist())
    return before._replace(shares=tuple(shares), watched=min(1.0, WATCHED / max(1.0, float(watched @ shares))))


def hashed(jets: Jets, config: DataConfig, seed: int) -> Split:
    """Return the split of jets in memory by their keys."""
    keyed = keys(jets.constituents, jets.events), jets.label
    side = sides_for(config, jets.classes, seed, lambda: [keyed]).of(*keyed)
    return Split(*(np.flatnonzero(side == each) for each in (TRAIN, VALIDATION, TEST)))
