"""The jets that a run is evaluated on: its own test jets, or others that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.data import Data, data_for
from inference.entry import announce
from inference.run import Run
from inference.splits import split
from jets import Jets, load
from jets.errors import UserError


class Some(NamedTuple):
    """Some of the chosen jets: what the model describes, ``(n, ...)``, and their numbers in the sample, ``(n,)``."""

    x: Tensor
    number: NDArray[np.int64]


class Chosen(NamedTuple):
    """Jets to evaluate a run on.

    Attributes
    ----------
    jets
        N jets.
    number
        ``(N,)``, their numbers in the sample that they were taken from.
    which
        What they are, in words.
    data
        The same as what the model describes: images, clouds or vectors, on the CPU.
    """

    jets: Jets
    number: NDArray[np.int64]
    which: str
    data: Data

    def some(self, count: int) -> Some:
        """Return at most ``count`` of the jets, evenly spaced."""
        rows = evenly(len(self.number), count)
        return Some(self.data[torch.as_tensor(rows)], self.number[rows])


def choose(
    run: Run, data: str | Path | Sequence[str | Path] | Jets | None = None, at_most: int | None = None
) -> Chosen:
    """Return at most so many jets of ``data``, evenly spaced; of the run's own sample, by default, the test part.

    Jets in memory that a run was trained on are recognised by their fingerprint.

    Raises
    ------
    UserError
        ``at_most`` is no whole number above 0; or ``data`` cannot be loaded, or are not what the model describes.
    """
    if at_most is not None:
        assert_counts(1, at_most=at_most)
    if not (data is None or isinstance(data, Jets)):
        data = [str(each) for each in ([data] if isinstance(data, str | Path) else data)]
    jets = run.jets if data is None else data if isinstance(data, Jets) else load(*data)
    assert_described(run, jets)
    own = data is None or jets.fingerprint == run.provenance["data_fingerprint"]
    announce(jets, run.recipe)
    index = split(jets, run.recipe.data, run.recipe.training.seed).test if own else np.arange(len(jets))
    index = index[evenly(len(index), len(index) if at_most is None else at_most)]
    which = "test part of the run's own sample" if own else "jets given by the user"
    return Chosen(jets[index], index, which, data_for(jets[index], run.recipe, torch.device("cpu")))


def evenly(total: int, wanted: int) -> NDArray[np.int64]:
    """Return at most ``wanted`` of ``total`` rows, evenly spaced.

    >>> evenly(10, 3), evenly(2, 5)
    (array([0, 3, 6]), array([0, 1]))
    """
    return np.arange(min(total, wanted)) * total // max(1, min(total, wanted))


def assert_counts(least: int, **counts: int) -> None:
    """Assert that numbers of draws, jets or pairs are whole and at least ``least``.

    Raises
    ------
    UserError
        One is not.
    """
    for name, count in counts.items():
        if not isinstance(count, Integral) or count < least:
            raise UserError(f"{name} = {count!r}: expected a whole number of at least {least}")


def assert_described(run: Run, jets: Jets) -> None:
    """Assert that jets are what the model of a run describes: vectors as long as its own, or jets with constituents.

    Raises
    ------
    UserError
        They are not.
    """
    inputs, pixels = run.recipe.model.inputs, run.recipe.image.pixels**2
    length = jets.constituents.shape[1] if jets.are_vectors else None
    if length == inputs or (length is None and inputs == pixels and not run.jets.are_vectors):
        return
    given, expected = (f"vectors of {size}" if size else "jets with constituents" for size in (length, inputs))
    raise UserError(f"{run.path}: its model is of {expected}; {', '.join(jets.sources) or 'those given'} are {given}")
