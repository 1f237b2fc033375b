"""What a training is fed with, epoch by epoch: batches of jets in memory, or of windows of jets that stay on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.data import Data, data_for
from inference.disk_split import DiskSplit, split_on_disk
from inference.order import shuffled, within
from inference.recipe import DataConfig, Recipe, RecipeError
from inference.share import Share
from inference.splits import Split, split
from inference.weighting import normalised
from inference.windows import KeptData, Window, Windows
from jets import Jets
from jets.out_of_core.sample import DiskJets

FIRST = 1000
"""First training jets that stay in memory, for what a model starts with."""


@dataclass(frozen=True)
class Stretch:
    """Steps that follow one another; a training can be stopped between two stretches, and resumed there.

    Attributes
    ----------
    rows
        ``(steps, R, B)``, numbers of the jets of each step of R replicas.
    weights
        ``(steps, R, B)``, their weights, of mean 1 over the training jets; None where there are none.
    fed
        Constituents on the device, and which of them are the jets, for each step: of all jets and ``(R, B)``, or of
        the jets of this process' share and ``(R, B / processes)``.
    """

    rows: Tensor
    weights: Tensor | None
    fed: Iterator[tuple[Tensor, Tensor]]


class Feed(ABC):
    """Feeds R replicas of a model with batches of ``size`` jets, ``steps`` times an epoch.

    Attributes
    ----------
    data
        The jets as what the model describes, by their numbers.
    weighted
        Whether they have weights.
    """

    data: Data | KeptData
    weighted: bool

    def __init__(self, size: int, steps: int, share: Share) -> None:
        self.size, self.steps, self.share = size, steps, share

    @abstractmethod
    def stretches(self, epoch: int, taken: int = 0) -> Iterator[Stretch]:
        """Yield the stretches of an epoch, of whose steps so many are taken already."""

    @abstractmethod
    def weights_of(self, replica: int, numbers: NDArray[np.int64]) -> NDArray[np.floating] | None:
        """Return the weights of jets of the sample, ``(n,)``; None where there are none."""


def split_of(jets: Jets | DiskJets, config: DataConfig, seed: int) -> Split:
    """Return the split of jets, in memory or on disk."""
    return split_on_disk(jets, config, seed) if isinstance(jets, DiskJets) else split(jets, config, seed)


def feed_of(
    jets: Jets | DiskJets,
    recipes: Sequence[Recipe],
    splits: Sequence[Split],
    seeds: Sequence[int],
    plan: tuple[int, int],
    device: torch.device,
    share: Share,
) -> Feed:
    """Return what feeds a training of these recipes.

    Parameters
    ----------
    jets, recipes, splits, seeds
        The sample; recipe, split and seed of the order of each replica.
    plan
        Jets of a step, and steps of an epoch.
    device, share
        Where the batches are made, and which part of them this process gets.

    Raises
    ------
    RecipeError
        Several replicas of jets on disk; or the weights of the training jets cancel.
    """
    if isinstance(jets, Jets):
        return MemoryFeed(jets, recipes, splits, seeds, plan, device, share)
    if len(recipes) > 1:
        raise RecipeError("jets that stay on disk are trained on by one run at a time: --together 1, no restarts")
    [part] = splits
    assert isinstance(part, DiskSplit)
    return DiskFeed(jets, recipes[0], part, seeds[0], plan, device, share)


class MemoryFeed(Feed):
    """Feeds with jets in memory: an epoch is one stretch."""

    def __init__(
        self,
        jets: Jets,
        recipes: Sequence[Recipe],
        splits: Sequence[Split],
        seeds: Sequence[int],
        plan: tuple[int, int],
        device: torch.device,
        share: Share,
    ) -> None:
        super().__init__(*plan, share)
        self.total, self.window = len(jets), recipes[0].data.window
        self.splits, self.seeds = splits, seeds
        self.data: Data = data_for(jets, recipes[0], device)
        self.weighted = jets.weights is not None
        self.weights = [] if jets.weights is None else [normalised(jets.weights, part.train) for part in splits]

    def batches(self, epoch: int) -> Tensor:
        """Return the jets of every step, ``(steps, R, B)``; an incomplete batch waits an epoch."""
        orders = [
            shuffled(part.train, seed, epoch, self.window, self.total)[: self.steps * self.size]
            for part, seed in zip(self.splits, self.seeds, strict=True)
        ]
        return torch.stack(orders, 1).unflatten(0, (self.steps, self.size)).transpose(1, 2).contiguous()

    def stretches(self, epoch: int, taken: int = 0) -> Iterator[Stretch]:
        """Yield the epoch."""
        rows, weights = self.batches(epoch), None
        if self.weighted:
            found = [torch.as_tensor(own)[rows[:, r]] for r, own in enumerate(self.weights)]
            weights = torch.stack(found, 1).to(self.data.device, torch.get_default_dtype())
        yield Stretch(rows, weights, self.data.feed(self.share.part(rows)))

    def weights_of(self, replica: int, numbers: NDArray[np.int64]) -> NDArray[np.floating] | None:
        """Return the weights of jets, ``(n,)``; None where there are none."""
        return self.weights[replica][numbers] if self.weighted else None


class DiskFeed(Feed):
    """Feeds with jets that stay on disk: a stretch is a window, with what the batches of the last one left of it."""

    def __init__(
        self,
        jets: DiskJets,
        recipe: Recipe,
        part: DiskSplit,
        seed: int,
        plan: tuple[int, int],
        device: torch.device,
        share: Share,
    ) -> None:
        super().__init__(*plan, share)
        self.seed, self.weighted = seed, jets.weighted
        kept = np.concatenate([part.train[: max(FIRST, self.size)], part.validation])
        self.data: KeptData = KeptData(jets, recipe, device, kept)
        self.windows = Windows(part.train, self.data.kept, recipe, seed, self.size - 1)
        self.mean = part.sums["train"] / len(part.train) if self.weighted else 1.0
        self.block: Tensor | None = None

    def stretches(self, epoch: int, taken: int = 0) -> Iterator[Stretch]:
        """Yield the windows of an epoch, after so many steps: a window that was begun is read again."""
        ends = self.windows.ends(epoch)
        at, rest = taken * self.size, None  # the place of the next jet in the order of the epoch
        first = number = bisect_right(ends, at) - 1
        for window in self.windows.of(epoch, first):  # nothing else may hold it, as enumerate would
            order = within(len(window.number), self.seed, epoch, number)[max(0, at - ends[number]) :]
            held = Held.of(window, order, rest, self.windows.spare)
            used = len(held.rows) // self.size * self.size
            if used:
                yield self.stretch(held, used)
            rest, at, number = held.after(used), at + used, number + 1
            del window, held  # its memory is free before another is read

    def stretch(self, held: Held, used: int) -> Stretch:
        """Return the steps on the first ``used`` jets that are held."""
        shape = (used // self.size, 1, self.size)
        rows, weights = torch.as_tensor(held.number[:used]).reshape(shape), None
        if held.weight is not None:
            normal = torch.as_tensor(held.weight[:used] / self.mean)
            weights = normal.reshape(shape).to(self.data.device, torch.get_default_dtype())
        return Stretch(rows, weights, self.fed(held.constituents, torch.as_tensor(held.rows[:used]).reshape(shape)))

    def fed(self, constituents: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the constituents of each batch, always at the same place in memory, as a captured step needs it."""
        constituents = constituents.to(self.data.device)
        batches = self.share.part(rows).to(self.data.device)
        own = torch.arange(batches[0].numel(), device=self.data.device).reshape(batches[0].shape)
        if self.block is None:
            self.block = constituents[: own.numel()].clone()
        for batch in batches:
            torch.index_select(constituents, 0, batch.flatten(), out=self.block)
            yield self.block, own

    def weights_of(self, replica: int, numbers: NDArray[np.int64]) -> NDArray[np.floating] | None:
        """Return the weights of jets, ``(n,)``; None where there are none."""
        weights = self.data.weights_of(numbers)
        return None if weights is None else (weights / self.mean).astype(np.float32)


@dataclass(frozen=True)
class Held:
    """Jets that are in memory to be trained on, in their order.

    Attributes
    ----------
    constituents
        ``(m, M, 3)``.
    rows
        ``(n,)``, which of them the jets are.
    number, weight
        ``(n,)``, their numbers in the sample, and weights where there are any.
    """

    constituents: Tensor
    rows: NDArray[np.int64]
    number: NDArray[np.int64]
    weight: NDArray[np.float64] | None

    @classmethod
    def of(cls, window: Window, order: NDArray[np.int64], rest: Held | None, spare: int) -> Held:
        """Return what is left of the window before, and after it the jets of a window in their order."""
        numbers, weight = window.number[order], None if window.weight is None else window.weight[order]
        found = cls(window.constituents, spare + order, numbers, weight)
        if rest is None or not len(rest.rows):
            return found
        places = np.arange(spare - len(rest.rows), spare)
        window.constituents[spare - len(places) : spare] = rest.constituents
        weights = None if weight is None or rest.weight is None else np.concatenate([rest.weight, weight])
        rows, numbers = np.concatenate([places, found.rows]), np.concatenate([rest.number, numbers])
        return cls(window.constituents, rows, numbers, weights)

    def after(self, used: int) -> Held:
        """Return what is held behind the first ``used`` jets, apart from the others."""
        rows, weight = self.rows[used:], None if self.weight is None else self.weight[used:]
        own = self.constituents[torch.as_tensor(rows)]
        return Held(own, np.arange(len(rows)), self.number[used:].copy(), weight)
