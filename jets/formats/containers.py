"""What kind of file a file is, by its first bytes, and the library that opens it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.untrusted.room import assert_backed

MAGIC = {
    b"root": "root",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PAR1": "parquet",
}
"""First bytes of a file -> its kind."""
ROWS = 20_000
"""Jets of columns that are read at a time."""
EXTRA = "formats"
"""The extra that installs all libraries of the readers."""


def kind(path: Path) -> str:
    """Return ``root``, ``hdf5``, ``npy``, ``npz``, ``parquet``, or ``text`` (also where it is compressed)."""
    with path.open("rb") as file:
        head = file.read(16)
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "text")


def is_packed(path: Path) -> bool:
    """Whether a file is compressed by gzip."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def text_head(path: Path, size: int = 4096) -> str:
    """Return the first characters of a text, also of a compressed one; empty where it is none."""
    try:
        with gzip.open(path) if is_packed(path) else path.open("rb") as file:
            return file.read(size).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        return ""


def needed(library: str, path: Path, doing: str = "reading") -> Any:
    """Return a library that only some formats need.

    Raises
    ------
    JetFileError
        It is not installed.
    """
    try:
        return import_module(library)
    except ImportError as error:
        raise JetFileError(f"{path}: {doing} it needs {library}; pip install 'jetvae[{EXTRA}]'") from error


def tree(path: Path, name: str) -> Any:
    """Return a tree of a ROOT file (uproot's); None where it is no ROOT file, or has none of that name."""
    if kind(path) != "root":
        return None
    file = needed("uproot", path).open(path)
    return file.get(name)


def branches(found: Any) -> dict[str, Any]:
    """Return the branches of a tree by their own name, without that of the branch they are split from.

    Raises
    ------
    JetFileError
        They cannot be as large as they say.
    """
    held = {} if found is None else {branch.name: branch for branch in found.itervalues(recursive=True)}
    sizes = [getattr(branch, "uncompressed_bytes", 0) for branch in held.values()]
    if any(sizes):  # an entry takes a byte at least
        declared = max(sum(sizes), int(found.num_entries))
        assert_backed(declared if min(sizes) >= 0 else -1, found.file.file_path, f"the tree {found.name}")
    return held


def assert_baskets(path: Path, found: Any, names: Sequence[str]) -> None:
    """Assert that the blocks of branches do not unpack to much more than their file.

    Raises
    ------
    JetFileError
        They do.
    """
    here = branches(found)
    for name in names:
        branch = here.get(name)
        several = getattr(branch, "num_baskets", 0)
        sizes = [branch.basket_uncompressed_bytes(i) for i in range(several)] if branch is not None else []
        assert_backed(sum(sizes), path, f"the branch {name}")


def parquet(path: Path) -> Any:
    """Return an opened parquet file (pyarrow's).

    Raises
    ------
    JetFileError
        Its columns cannot be as large as they say.
    """
    file = needed("pyarrow.parquet", path).ParquetFile(path, page_checksum_verification=True)
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    sizes = [one for chunk in chunks for one in (chunk.total_uncompressed_size, 8 * chunk.num_values)]
    rows = [group.num_rows for group in groups]
    if sum(rows) != file.metadata.num_rows or min([0, *rows, *sizes]) < 0:
        raise JetFileError(f"{path}: damaged: {file.metadata.num_rows} rows in groups of {sum(rows)}; write it again")
    assert_backed(sum(sizes), path, "its footer")
    return file


def batches(path: Path, of: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the columns of some jets of parquet, or of a tree, lists as awkward arrays, single values as numpy's."""
    ak = needed("awkward", path)
    if kind(path) == "parquet":
        file = parquet(path)
        for batch in file.iter_batches(ROWS, columns=list(names)):
            yield {name: plain(ak.from_arrow(batch[name])) for name in names}
        return
    found = needed("uproot", path).open(path)[of]
    assert_baskets(path, found, names)
    for rows in found.iterate(list(names), step_size=ROWS, library="ak"):
        yield {name: plain(rows[name]) for name in names}


def plain(column: Any) -> Any:
    """Return a column of single values as numpy's, missing ones NaN or ""; one of lists with missing ones empty."""
    import awkward as ak

    if column.ndim > 1:
        return ak.fill_none(column, [], axis=0)
    if "string" in str(column.type):
        return np.array(ak.to_list(ak.fill_none(column, "")))
    return ak.to_numpy(ak.fill_none(column, np.nan) if ak.any(ak.is_none(column)) else column)
