"""Files appear whole or not at all: write to a temporary name beside the target, then move."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jets.atomic import move, temporary_for
from jets.disk import disk, folder_for
from jets.sums import replaced

if TYPE_CHECKING:
    import xarray as xr

LARGE = 100_000
"""Numbers from which an array is worth compressing."""


@contextmanager
def replacing(path: str | Path, folder: Path | None = None) -> Iterator[Path]:
    """Give a temporary path beside ``path``; move it there, flushed to disk, when the block ends without an error.

    A process that is killed leaves the temporary file behind: ``folder``, of the same disk, can take it instead. In a
    run folder the checksums stay right (:mod:`jets.sums`).

    Raises
    ------
    DiskError
        It cannot be written.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> target.read_text(), [p.name for p in target.parent.iterdir()]
    ('1 2 3', ['numbers.txt'])
    """
    with temporary_for(path, folder) as temporary:
        yield temporary
        with replaced(Path(path), temporary):
            move(temporary, path)


def ready(folder: str | Path) -> Path:
    """Return a folder in which files can be written, made where it is not there: to be called before long work.

    Raises
    ------
    DiskError
        It cannot be made, or no file can be written there.
    """
    with folder_for(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    return Path(folder)


def save_npy(values: np.ndarray, path: str | Path) -> Path:
    """Write an array as ``.npy``, atomically; return the path.

    Raises
    ------
    DiskError
        It cannot be written: of that NumPy, which writes to files by itself, does not always take notice.
    """
    with replacing(path) as temporary, disk(temporary) as file:
        np.save(file, values)
    return Path(path)


def save_netcdf(data: xr.Dataset | xr.DataTree, path: str | Path) -> Path:
    """Write labelled arrays as NetCDF4, atomically, large arrays of floats compressed; return the path.

    Raises
    ------
    DiskError
        It cannot be written.
    """
    import h5netcdf
    import xarray as xr  # .4 s and 40 MB that most of the project does not need
    from xarray.backends import H5NetCDFStore

    tree = xr.DataTree(data) if isinstance(data, xr.Dataset) else data
    with replacing(path) as temporary, disk(temporary) as file, h5netcdf.File(file, "w") as root:
        store = H5NetCDFStore(root, mode="w")
        for group in tree.subtree:
            node = group.to_dataset(inherit=group is tree)
            squeezed = {
                str(each): {"zlib": True, "complevel": 1}
                for each, variable in node.data_vars.items()
                if variable.size > LARGE and variable.dtype.kind == "f"
            }
            node.dump_to_store(store if group is tree else store.get_child_store(group.path), encoding=squeezed)
            file.check()
    return Path(path)
