"""The split of jets that stay on disk, how many of them are read at a time, and on which a run is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inference.keys import DataConfig, bytes_of
from inference.recipe import RecipeError
from inference.splits import PARTS, TEST, TRAIN, VALIDATION, Index, Keyed, Sides, Split, assert_trainable, sides_for
from jets import Jets
from jets.out_of_core.sample import BLOCK, DiskJets, Reader

ROWS = BLOCK << 6
"""Jets whose keys are in memory at a time."""
BASE = 1.2e9
"""Memory that a training takes without any jets [bytes]: Python, PyTorch, a compiler, a model."""
SHARE = 0.8
"""Of the rest, what two windows may take: the one in use, and the one that is read."""
LEAST = 16
"""Blocks of a window, at least."""
SAMPLE = 0.05
"""Share of the memory that the jets take on which a run is evaluated."""


@dataclass(frozen=True)
class DiskRows:
    """Numbers of the jets of a part, found block by block.

    Attributes
    ----------
    jets, sides, side
        The sample, the sides of its jets, and which of them this is.
    per_block
        ``(blocks,)``, how many of each block are of this part.
    """

    jets: DiskJets
    sides: Sides
    side: int
    per_block: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.per_block.sum())

    def of(self, reader: Reader, rows: slice) -> tuple[Index, NDArray[np.float64] | None]:
        """Return which of jets ``rows.start`` to ``rows.stop`` are of this part, from 0 on, and their weights."""
        key, label, weight = reader.index(rows)
        found = np.flatnonzero(self.sides.of(key, label) == self.side)
        return found, None if weight is None else weight[found]

    def first(self, count: int) -> Index:
        """Return the numbers of the first jets of this part, at most so many."""
        found, blocks = [np.empty(0, np.int64)], np.searchsorted(self.per_block.cumsum(), count) + 1
        with Reader(self.jets) as reader:
            for block in np.flatnonzero(self.per_block[:blocks]).tolist():
                rows = slice(block * BLOCK, min((block + 1) * BLOCK, len(self.jets)))
                found.append(rows.start + self.of(reader, rows)[0])
        return np.concatenate(found)[:count]

    def __getitem__(self, rows: slice) -> Index:
        assert not rows.start, "the first jets alone"
        return self.first(len(self) if rows.stop is None else rows.stop)


@dataclass(frozen=True)
class DiskSplit(Split):
    """A split of jets that stay on disk.

    Attributes
    ----------
    table
        Part -> class -> number of its jets.
    sums
        Part -> sum of the weights of its jets; empty where jets have none.
    """

    train: DiskRows  # type: ignore[assignment]
    test: DiskRows  # type: ignore[assignment]
    table: dict[str, dict[str, int]]
    sums: dict[str, float]

    def counts(self, jets: Jets | DiskJets) -> dict[str, dict[str, int]]:
        """Return part -> class -> number of its jets."""
        return self.table

    def weight_sums(self, jets: Jets | DiskJets) -> dict[str, float]:
        """Return part -> sum of the weights of its jets; empty where jets have none."""
        return self.sums


def split_on_disk(jets: DiskJets, config: DataConfig, seed: int) -> DiskSplit:
    """Return the split of jets that stay on disk, by their keys; of the same jets in memory it is the same.

    Raises
    ------
    RecipeError
        As :func:`inference.splits.split`.
    """
    keys = ("test", "validation", "fraction", "limit", "mixture")
    return _split_on_disk(jets, config.model_dump_json(include=set(keys)), seed)


@lru_cache(maxsize=8)
def _split_on_disk(jets: DiskJets, config: str, seed: int) -> DiskSplit:
    with Reader(jets) as reader:

        def keyed() -> Iterator[Keyed]:
            for rows in jets.slices(ROWS):
                key, label, _ = reader.index(rows)
                yield key, label

        sides = sides_for(DataConfig.model_validate_json(config), jets.classes, seed, keyed)
        tally = Tally(jets)
        for rows in jets.slices(ROWS):
            tally.add(rows, *reader.index(rows), sides)
    train, test = (DiskRows(jets, sides, side, tally.per_block[side]) for side in (TRAIN, TEST))
    assert_trainable(len(train))
    sums = dict(zip(PARTS, tally.sums.tolist(), strict=True)) if jets.weighted else {}
    table = {
        part: dict(zip(jets.classes, row, strict=True)) for part, row in zip(PARTS, tally.counts.tolist(), strict=True)
    }
    return DiskSplit(train, np.concatenate(tally.validation), test, table, sums)


class Tally:
    """Counts the jets of each side."""

    def __init__(self, jets: DiskJets) -> None:
        self.per_block = np.zeros((len(PARTS), jets.blocks), np.int64)
        self.counts = np.zeros((len(PARTS), len(jets.classes)), np.int64)
        self.sums = np.zeros(len(PARTS))
        self.validation = [np.empty(0, np.int64)]

    def add(
        self,
        rows: slice,
        key: NDArray[np.uint64],
        label: NDArray[np.int64],
        weight: NDArray[np.float64] | None,
        sides: Sides,
    ) -> None:
        """Count jets ``rows.start`` to ``rows.stop``."""
        side = sides.of(key, label)
        for each in range(len(PARTS)):
            mine = np.flatnonzero(side == each)
            blocks = np.bincount((rows.start + mine) // BLOCK, minlength=self.per_block.shape[1])
            self.per_block[each] += blocks
            self.counts[each] += np.bincount(label[mine], minlength=self.counts.shape[1])
            if weight is not None:
                self.sums[each] += weight[mine].sum()
            if each == VALIDATION:
                self.validation.append(rows.start + mine)


def window_for(jets: DiskJets, config: DataConfig, seed: int) -> int:
    """Return how many jets a window has, so that two of them fit into the memory that a recipe allows.

    Raises
    ------
    RecipeError
        It is too little.
    """
    assert config.memory is not None
    train = split_on_disk(jets, config, seed).train
    constituents = min(jets.width, config.constituents or jets.width)
    block = 12.0 * constituents * max(1, int(train.per_block.max()))
    blocks = int(SHARE * (bytes_of(config.memory) - BASE) / (2 * block))
    if blocks < min(LEAST, jets.blocks):
        least = (BASE + 2 * LEAST * block / SHARE) / 1e9 + 0.01
        raise RecipeError(f"memory = '{config.memory}' is too little for these jets; give {least:.2f}GB or more")
    return min(blocks, jets.blocks) * BLOCK


def evaluated(jets: DiskJets, config: DataConfig) -> Jets:
    """Return the jets on which a run of jets on disk is evaluated: a random sample that its memory holds."""
    assert config.memory is not None
    return jets.sampled(int(SAMPLE * bytes_of(config.memory) / (12 * jets.width)))
