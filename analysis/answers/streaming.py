"""All jets of files of any size -> what a run says of each, beside the files' own columns, some rows at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from functools import lru_cache
from itertools import starmap
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import xarray as xr

from analysis.answers import encoding, frames
from analysis.answers.opened import OpenRun
from analysis.evaluation.chosen import assert_described
from analysis.evaluation.odd_of_run import odd_of
from inference.machine import tune_cpu
from jets import on_dask
from jets.formats import AS_FOUND, Wanted
from jets.stream import Piece, pieces

SIZE = 4096
"""Jets in memory at a time."""
AHEAD = 2
"""Pieces for each process of a pool, those that it works on and those that wait."""
APART = 1_000_003
"""Between the seeds of two pieces."""
SOURCE, ROW = "source", "row"
"""Columns that say which jet of which file a row is."""


class Answered(NamedTuple):
    """Rows of a table, and how many of them have no answer: jets without particles, or outside the image."""

    rows: pd.DataFrame
    without: int


def answered(
    run: OpenRun,
    sources: Sequence[str],
    wanted: Wanted = AS_FOUND,
    *,
    draws: int,
    seed: int = 0,
    beta: float | None = None,
    skip_bad: bool = False,
    pool: Executor | None = None,
) -> Iterator[Answered]:
    """Yield the rows of all jets of the sources, in the files' order, none left out.

    Columns: ``source`` and ``row``, the file's own, then those of :func:`analysis.answers.frames.answer_columns`, NaN
    for jets that cannot be described. The noise of a piece of 4096 jets is its own: the rows are the same on any
    number of processes, those of ``pool`` if there is one, which must see the run's folder.

    Raises
    ------
    UserError
        A source cannot be read, or holds something else than the model describes.
    """
    tune_cpu()
    asked = Asked(str(run.path.resolve()), beta, draws, seed, trust=run.trusted)
    encoder = Encoder(run, asked)  # also keeps in the run's folder what other processes need
    parts = enumerate(pieces(*sources, wanted=wanted, size=SIZE, skip_bad=skip_bad))
    if pool is None:
        yield from starmap(encoder, parts)
        return
    waiting: deque[Future[Answered]] = deque()
    for number, piece in parts:
        if len(waiting) == AHEAD * on_dask.width(pool):
            yield waiting.popleft().result()
        waiting.append(pool.submit(answers_of, asked, number, piece))
    while waiting:
        yield waiting.popleft().result()


class Asked(NamedTuple):
    """What is asked of the run in a folder: at which resolution, with how many draws of which seed."""

    path: str
    beta: float | None
    draws: int
    seed: int
    trust: bool


class Encoder:
    """Says what a run says of jets, piece by piece."""

    def __init__(self, run: OpenRun, asked: Asked) -> None:
        self.run, self.asked = run, asked
        self.orientation, self.odd = run.orientation(asked.beta), odd_of(run)

    def __call__(self, number: int, piece: Piece) -> Answered:
        """Return the rows of the piece of this number."""
        run, draws = self.run, self.asked.draws
        with run.at(self.asked.beta) as vae:
            torch.manual_seed(self.asked.seed + number * APART)
            if piece.jets is None:
                found = encoding.nothing(vae, run.recipe, self.orientation, draws, self.odd)
            else:
                assert_described(run, piece.jets)
                found = encoding.encoded(vae, run.recipe, piece.jets, self.orientation, draws, self.odd)
        return rows_of(piece, found)


def answers_of(asked: Asked, number: int, piece: Piece) -> Answered:
    """Return the rows of the piece of this number, in another process."""
    return opened(asked)(number, piece)


@lru_cache(maxsize=1)
def opened(asked: Asked) -> Encoder:
    """Open a run in another process, once."""
    tune_cpu()
    return Encoder(OpenRun.open(asked.path, trust=asked.trust), asked)


def rows_of(piece: Piece, found: xr.Dataset) -> Answered:
    """Return the rows of a piece, with the answers to those of its jets that can be described."""
    own = {SOURCE: np.full(piece.count, piece.source), ROW: piece.start + np.arange(piece.count), **piece.columns}
    table = frames.beside(own, found, piece.rows)
    return Answered(table, int(table["elbo"].isna().sum()))
