"""All jets of files of any size -> what a run says of each, beside the files' own columns, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from jets.formats import AS_FOUND, Wanted
from jets.stream import Piece, pieces

SIZE = 4096
"""Jets in memory at a time."""
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
) -> Iterator[Answered]:
    """Yield the rows of all jets of the sources, in the files' order, none left out.

    Columns: ``source`` and ``row``, the file's own, then those of :func:`analysis.answers.frames.answer_columns`, NaN
    for jets that cannot be described.

    Raises
    ------
    UserError
        A source cannot be read, or holds something else than the model describes.
    """
    tune_cpu()
    orientation, odd = run.orientation(beta), odd_of(run)
    with run.at(beta) as vae:
        nothing = encoding.nothing(vae, run.recipe, orientation, draws, odd)
        torch.manual_seed(seed)
        for piece in pieces(*sources, wanted=wanted, size=SIZE, skip_bad=skip_bad):
            found = nothing
            if piece.jets is not None:
                assert_described(run, piece.jets)
                found = encoding.encoded(vae, run.recipe, piece.jets, orientation, draws, odd)
            yield rows_of(piece, found)


def rows_of(piece: Piece, found: xr.Dataset) -> Answered:
    """Return the rows of a piece, with the answers to those of its jets that can be described."""
    own = {SOURCE: np.full(piece.count, piece.source), ROW: piece.start + np.arange(piece.count), **piece.columns}
    table = frames.beside(own, found, piece.rows)
    return Answered(table, int(table["elbo"].isna().sum()))
