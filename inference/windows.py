"""Jets that stay on disk, as a training reads them: some are in memory, the others come in windows, one read ahead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, chain, islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.data import Data, Index, data_for
from inference.disk_split import DiskRows
from inference.order import windows
from inference.recipe import Recipe
from jets.out_of_core.sample import BLOCK, DiskJets, Reader


class KeptData:
    """Data of a sample on disk, by the jets' numbers in it: some are in memory, others are read when asked for.

    Parameters
    ----------
    jets, recipe, device
        As of :func:`inference.data.data_for`.
    numbers
        Of the jets that are kept in memory.
    """

    def __init__(self, jets: DiskJets, recipe: Recipe, device: torch.device, numbers: Index) -> None:
        self.jets, self.recipe, self.device = jets, recipe, device
        self.numbers = np.unique(numbers)
        some = jets.some(self.numbers)
        self.kept, self.weights = data_for(some, recipe, device), some.weights

    def __len__(self) -> int:
        return len(self.jets)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the data of these jets, ``(len(index), ...)``."""
        wanted = index.cpu().numpy()
        place = self.place(wanted)
        if (self.numbers[place] == wanted).all():
            return self.kept[torch.as_tensor(place)]
        some, place = np.unique(wanted, return_inverse=True)
        return data_for(self.jets.some(some), self.recipe, self.device)[torch.as_tensor(place)]

    def place(self, numbers: Index) -> Index:
        """Return where jets are among those that are kept, if they are."""
        return np.searchsorted(self.numbers, numbers).clip(max=len(self.numbers) - 1)

    def weights_of(self, numbers: Index) -> NDArray[np.float64] | None:
        """Return the weights of jets that are kept, ``(n,)``; None where there are none."""
        return None if self.weights is None else self.weights[self.place(numbers)]

    def batches(self, index: Index | Tensor, size: int) -> Iterator[Tensor]:
        """Yield the data of ``size`` jets at a time, in the order of ``index``."""
        for rows in torch.as_tensor(index).split(size):
            yield self[rows]

    def make_training(self, constituents: Tensor) -> Tensor:
        """Return the data of jets to train on."""
        return self.kept.make_training(constituents)


class Window(NamedTuple):
    """Training jets that are shuffled together.

    Attributes
    ----------
    constituents
        ``(spare + n, M, 3)``, prepared; the first ``spare`` are left free for what the window before leaves.
    number
        ``(n,)``, numbers of the others in the sample, rising.
    weight
        ``(n,)`` their weights, where there are any.
    """

    constituents: Tensor
    number: Index
    weight: NDArray[np.float64] | None


class Windows:
    """The windows of all epochs, of which the next is read while one is in use.

    Parameters
    ----------
    train
        The training jets.
    data
        How they are prepared.
    recipe, seed
        Window and constituents, number of epochs, and the seed of the order.
    spare
        Rows that are left free before the jets of each window.
    """

    def __init__(self, train: DiskRows, data: Data, recipe: Recipe, seed: int, spare: int) -> None:
        assert recipe.data.window is not None
        self.train, self.data, self.seed, self.spare = train, data, seed, spare
        self.window, self.epochs = recipe.data.window, recipe.training.epochs
        self.width = min(train.jets.width, recipe.data.constituents or train.jets.width)
        self.next: tuple[int, int] | None = None
        self.coming: Iterator[Window] = iter(())

    def plan(self, epoch: int) -> list[Index]:
        """Return the blocks of each window of an epoch."""
        return windows(len(self.train.per_block), self.window, self.seed, epoch)

    def ends(self, epoch: int) -> list[int]:
        """Return how many jets of an epoch there are before each window, and in all."""
        return [0, *accumulate(int(self.train.per_block[blocks].sum()) for blocks in self.plan(epoch))]

    def of(self, epoch: int, first: int) -> Iterator[Window]:
        """Yield the windows of an epoch from the one of number ``first`` on.

        The next is read meanwhile; after the last, it is the first of the next epoch, if there is one.
        """
        if self.next != (epoch, first):
            self.coming = self.ahead(epoch, first)
        for number in range(first, len(self.plan(epoch))):
            last = number + 1 == len(self.plan(epoch))
            self.next = (epoch + 1, 0) if last else (epoch, number + 1)
            yield next(self.coming)

    def ahead(self, epoch: int, first: int) -> Iterator[Window]:
        """Yield all windows from one on, to the last of the last epoch, reading one ahead."""
        rest = (self.plan(each)[first if each == epoch else 0 :] for each in range(epoch, self.epochs))
        following = chain.from_iterable(rest)
        with ThreadPoolExecutor(1) as pool, Reader(self.train.jets) as reader:
            waiting = [pool.submit(self.read, reader, blocks) for blocks in islice(following, 1)]
            while waiting:
                found = [waiting.pop().result()]
                waiting += [pool.submit(self.read, reader, blocks) for blocks in islice(following, 1)]
                yield found.pop()  # and forget it: two windows are in memory, not three

    def read(self, reader: Reader, blocks: Index) -> Window:
        """Read one window."""
        count, jets = int(self.train.per_block[blocks].sum()), self.train.jets
        held = torch.empty(self.spare + count, self.width, 3)
        numbers, weights, at = [np.empty(0, np.int64)], list[NDArray[np.float64]](), self.spare
        for block in blocks[self.train.per_block[blocks] > 0].tolist():
            rows = slice(block * BLOCK, min((block + 1) * BLOCK, len(jets)))
            own, weight = self.train.of(reader, rows)
            some = torch.from_numpy(reader.constituents(rows)[own, : self.width])
            held[at : at + len(own)] = self.data.prepared(some.to(held.dtype))
            at += len(own)
            numbers.append(rows.start + own)
            weights += [] if weight is None else [weight]
        return Window(held, np.concatenate(numbers), np.concatenate(weights) if weights else None)
