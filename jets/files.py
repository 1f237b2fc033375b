"""Files appear whole or not at all: write to a temporary name beside the target, then move."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

LARGE = 100_000
"""Numbers from which an array is worth compressing."""


@contextmanager
def replacing(path: str | Path, folder: Path | None = None) -> Iterator[Path]:
    """Give a temporary path beside ``path``; move it there, flushed to disk, when the block ends without an error.

    A process that is killed leaves the temporary file behind: ``folder``, of the same disk, can take it instead.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> target.read_text(), [p.name for p in target.parent.iterdir()]
    ('1 2 3', ['numbers.txt'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=folder or path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_netcdf(data: xr.Dataset | xr.DataTree, path: str | Path) -> Path:
    """Write labelled arrays as NetCDF4, atomically, large arrays of floats compressed; return the path."""
    import xarray as xr  # .4 s and 40 MB that most of the project does not need

    nodes = list(data.subtree) if isinstance(data, xr.DataTree) else [data]
    squeezed = [
        {
            str(name): {"zlib": True, "complevel": 1}
            for name, variable in node.data_vars.items()
            if variable.size > LARGE and variable.dtype.kind == "f"
        }
        for node in nodes
    ]
    with replacing(path) as temporary:
        if isinstance(data, xr.DataTree):
            names = [node.path for node in nodes]
            data.to_netcdf(temporary, engine="h5netcdf", encoding=dict(zip(names, squeezed, strict=True)))
        else:
            data.to_netcdf(temporary, engine="h5netcdf", encoding=squeezed[0])
    return Path(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
