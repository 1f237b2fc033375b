"""Tables of jets on disk, written some rows at a time: parquet, ROOT, HDF5, NetCDF or CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from jets.checks import say
from jets.disk import disk
from jets.errors import UserError
from jets.files import replacing
from jets.formats.containers import needed

GROUP = 65_536
"""Rows of a group of a parquet file: what describes a group stays in memory until the file ends."""
TREE = "jets"
"""Name of the tree in a ROOT file, and of the dimension in a NetCDF file."""
CHUNK = 8192
"""Rows of a compressed piece."""
NATS = ("kl", "reconstruction", "elbo", "score_reconstruction", "score_kl", "score_elbo", "score_log_p", "score_ratio")
"""What the names of columns in nats begin with."""
Append = Callable[[pd.DataFrame], None]
Facts = Mapping[str, str]


@contextmanager
def table(path: str | Path, facts: Facts) -> Iterator[Append]:
    """Give a function that appends rows to a table; the file appears when the block ends without an error.

    Columns and their types are those of the first rows: what later ones lack is NaN, -1 or "", what they have beside
    is left out, with a note.

    Parameters
    ----------
    path
        Its suffix says the format: ``.parquet``, ``.root``, ``.h5``, ``.nc``, ``.csv``.
    facts
        What the file says of itself, name -> text; CSV says nothing.

    Raises
    ------
    UserError
        Another suffix, or a library that is missing.
    """
    writer = writer_of(path)
    conform = Conform(str(path))
    with replacing(path) as temporary, ExitStack() as stack:
        append: list[Append] = []

        def rows(frame: pd.DataFrame) -> None:
            conformed = conform(frame)
            if not append:
                append.append(stack.enter_context(writer(temporary, conformed.iloc[:0], facts)))
            append[0](conformed)

        yield rows
        stack.close()
        if not append:
            raise UserError(f"{path}: no jets to write")


def writer_of(path: str | Path) -> Callable[[Path, pd.DataFrame, Facts], AbstractContextManager[Append]]:
    """Return what writes files of this suffix.

    Raises
    ------
    UserError
        Nothing does, or its library is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise UserError(f"{path}: tables are written as {', '.join(WRITERS)}; give one of these suffixes")
    if suffix in LIBRARIES:
        needed(LIBRARIES[suffix], Path(path), "writing")
    return WRITERS[suffix]


class Conform:
    """Gives all rows the columns of the first."""

    def __init__(self, name: str) -> None:
        self.name, self.first, self.said = name, None, set[str]()

    first: pd.DataFrame | None

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows with the first rows' columns, in their order and types."""
        if self.first is None:
            self.first = frame.iloc[:0]
            return frame
        for what, names in (
            ("not in the rows before; left out", set(frame) - set(self.first)),
            ("in the rows before and not in these; empty there", set(self.first) - set(frame)),
        ):
            if new := sorted(names - self.said):
                say(f"{self.name}: columns {', '.join(new)} are {what}")
            self.said |= names
        columns = {
            name: frame[name] if name in frame else blank(kind, len(frame)) for name, kind in self.first.dtypes.items()
        }
        return pd.DataFrame(columns, index=frame.index).astype(self.first.dtypes)


def blank(kind: Any, count: int) -> Any:
    """Return ``count`` missing values of a type: NaN, "" for text, -1 for whole numbers."""
    if pd.api.types.is_float_dtype(kind):
        return np.full(count, np.nan)
    return np.full(count, -1 if pd.api.types.is_numeric_dtype(kind) else "")


def is_text(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column holds text."""
    return not pd.api.types.is_numeric_dtype(frame[name])


def unit(name: str) -> str:
    """Return the unit of an answer's column.

    >>> unit("kl_R2_0"), unit("latent_R2_0")
    ('nat', '')
    """
    return "nat" if name.startswith(NATS) else ""


@contextmanager
def parquet(path: Path, empty: pd.DataFrame, facts: Facts) -> Iterator[Append]:
    """Write parquet, its facts as metadata of the schema, units of the columns as theirs."""
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    schema = arrow.Schema.from_pandas(empty, preserve_index=False)
    fields = [field.with_metadata({"units": unit(field.name)}) for field in schema]
    schema = arrow.schema(fields, metadata=dict(facts))
    waiting: list[pd.DataFrame] = []

    def write() -> None:
        if waiting:
            rows = pd.concat(waiting, ignore_index=True)
            file.write_table(arrow.Table.from_pandas(rows, schema, preserve_index=False))
            waiting.clear()

    def append(frame: pd.DataFrame) -> None:
        waiting.append(frame)
        if sum(map(len, waiting)) >= GROUP:
            write()

    with ParquetWriter(path, schema, compression="zstd") as file:
        yield append
        write()


@contextmanager
def root(path: Path, empty: pd.DataFrame, facts: Facts) -> Iterator[Append]:
    """Write a TTree ``jets`` of plain branches, in place of letters that branches cannot have underscores.

    Text becomes whole numbers, which every reader of trees takes; a string ``<branch>_names`` beside the tree says in
    JSON what 0, 1, ... are.
    """
    import uproot

    names = {name: branch(name) for name in empty}
    books: dict[str, dict[str, int]] = {name: {} for name in empty if is_text(empty, name)}
    kinds = {names[name]: np.dtype(np.int32) if name in books else empty[name].dtype for name in empty}
    with uproot.recreate(path) as file:
        tree = file.mktree(TREE, kinds, title="; ".join(f"{name} = {text}" for name, text in facts.items())[:1000])

        def numbers(frame: pd.DataFrame, name: str) -> Any:
            if name not in books:
                return frame[name].to_numpy()
            book = books[name]
            codes = {text: book.setdefault(text, len(book)) for text in frame[name].unique()}
            return frame[name].map(codes).to_numpy(np.int32)

        yield lambda frame: tree.extend({names[name]: numbers(frame, name) for name in frame})
        for name, book in books.items():
            file[f"{names[name]}_names"] = json.dumps(list(book))


def branch(name: str) -> str:
    """Return a column's name as that of a branch.

    >>> branch("tau21/tau32 (raw)")
    'tau21_tau32__raw_'
    """
    return "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)


@contextmanager
def hdf5(path: Path, empty: pd.DataFrame, facts: Facts) -> Iterator[Append]:
    """Write HDF5, a dataset ``(N,)`` for each column."""
    with disk(path) as whole, h5py.File(whole, "w", track_order=True) as file:
        file.attrs.update(facts)
        for name in empty:
            kind = h5py.string_dtype() if is_text(empty, name) else empty[name].dtype
            packed = {"chunks": (CHUNK,), "compression": "lzf", "shuffle": True}
            data = file.create_dataset(name.replace("/", "_over_"), (0,), kind, maxshape=(None,), **packed)
            data.attrs["units"] = unit(name)

        def append(frame: pd.DataFrame) -> None:
            for name, data in zip(frame, file.values(), strict=True):
                data.resize(len(data) + len(frame), 0)
                data[len(data) - len(frame) :] = frame[name].to_numpy(object if is_text(frame, name) else None)
            whole.check()

        yield append


@contextmanager
def netcdf(path: Path, empty: pd.DataFrame, facts: Facts) -> Iterator[Append]:
    """Write NetCDF4 along an unlimited dimension ``jets``, a variable for each column."""
    import h5netcdf

    with disk(path) as whole, h5netcdf.File(whole, "w") as file:
        file.attrs.update(facts)
        file.dimensions = {TREE: None}
        for name in empty:
            kind = h5py.string_dtype() if is_text(empty, name) else empty[name].dtype
            packed = {} if is_text(empty, name) else {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            variable = file.create_variable(name.replace("/", "_over_"), (TREE,), kind, chunks=(CHUNK,), **packed)
            variable.attrs["units"] = unit(name)
        variables = list(file.variables.values())

        def append(frame: pd.DataFrame) -> None:
            start = file.dimensions[TREE].size
            file.resize_dimension(TREE, start + len(frame))
            for name, variable in zip(frame, variables, strict=True):
                variable[start:] = frame[name].to_numpy(object if is_text(frame, name) else None)
            whole.check()

        yield append


@contextmanager
def csv(path: Path, empty: pd.DataFrame, facts: Facts) -> Iterator[Append]:
    """Write comma-separated values, the names in the first line."""
    with path.open("w", encoding="utf-8", newline="") as file:
        empty.to_csv(file, index=False)
        yield lambda frame: frame.to_csv(file, index=False, header=False)


WRITERS = {".parquet": parquet, ".root": root, ".h5": hdf5, ".hdf5": hdf5, ".nc": netcdf, ".csv": csv}
"""Suffix -> writer: ``(temporary path, empty frame with the columns, facts)``."""
LIBRARIES = {".parquet": "pyarrow", ".root": "uproot"}
"""Suffix -> library of an extra that writes it."""
