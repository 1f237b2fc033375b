"""The order in which jets are trained on: all shuffled, or window by window, as jets that stay on disk must be.

In windows: the sample is cut into blocks of 4,096 jets that lie together. In each epoch the blocks are put in random
order, so many of them at a time make a window, and the training jets of a window are shuffled. Each jet is trained on
once an epoch, at a place that is as likely as any other; but jets of one block are trained on in the same window.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jets.out_of_core.sample import BLOCK

Index = NDArray[np.int64]


def windows(blocks: int, window: int, seed: int, epoch: int) -> list[Index]:
    """Return the numbers of the blocks of each window of an epoch, rising; a window has ``window`` jets, about.

    >>> [each.tolist() for each in windows(5, 2 * BLOCK, seed=0, epoch=0)]
    [[1, 4], [0, 3], [2]]
    """
    order = np.random.default_rng((seed, 1 + epoch)).permutation(blocks)
    together = max(1, window // BLOCK)
    return [np.sort(order[start : start + together]) for start in range(0, blocks, together)]


def within(count: int, seed: int, epoch: int, number: int) -> Index:
    """Return the order of the ``count`` training jets of a window, that of ``number`` in the epoch, from 0 on."""
    return np.random.default_rng((seed, 1 + epoch, 1 + number)).permutation(count)  # a zero at the end is no number


def shuffled(index: Index, seed: int, epoch: int, window: int | None = None, total: int = 0) -> Tensor:
    """Return numbers of jets in the order of one epoch; a function of its arguments alone, so a resumed run repeats it.

    With ``window``, of ``total`` jets of the sample, window by window.
    """
    if window is None:
        return torch.as_tensor(np.random.default_rng((seed, 1 + epoch)).permutation(index))
    starts = np.searchsorted(index, BLOCK * np.arange(-(-total // BLOCK) + 1))
    found = []
    for number, blocks in enumerate(windows(len(starts) - 1, window, seed, epoch)):
        rows = np.concatenate([index[starts[block] : starts[block + 1]] for block in blocks])
        found.append(rows[within(len(rows), seed, epoch, number)])
    return torch.as_tensor(np.concatenate(found))
