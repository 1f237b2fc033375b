"""The matrix of distances between all jets of one sample, or of two: in blocks, in parallel, resumable."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from jets.emd.checks import CloudError, check_arguments, check_clouds, single_precision
from jets.emd.matrix import MatrixFile, opened
from jets.progress import Progress

#: Rows and columns of one block.
BLOCK = 256


def pairwise(
    x: np.ndarray | torch.Tensor,
    y: np.ndarray | torch.Tensor | None = None,
    *,
    p: int = 1,
    R: float = 1.0,
    normalise: bool = True,
    tolerance: float = 0.02,
    method: str = "fused",
    file: str | Path | None = None,
    progress: bool = False,
    threads: int | None = None,
) -> np.ndarray:
    """Return the Energy Mover's Distances between all clouds of x and all of y.

    Parameters
    ----------
    x, y
        Clouds ``(N, n, 3)`` and ``(M, m, 3)``: weight, eta, phi. Without y the matrix is of x against itself: it is
        symmetric with a zero diagonal, and only half of it is computed.
    p, R, normalise, tolerance, method
        As in `jets.emd.emd`.
    file
        HDF5 file to hold the matrix in its dataset ``emd``. Its room is reserved first, and blocks are written as
        they are done; when the file is there already, from a run that was killed, only its missing blocks are
        computed, at most those of the last second anew. A file of other clouds or options is refused.
    progress
        Show a progress bar with the rate in pairs per second.
    threads
        Threads to share the pairs; torch's number by default.

    Returns
    -------
    numpy.ndarray
        ``(N, M)`` float32, in the unit of `jets.emd.emd`.

    Raises
    ------
    CloudError
        For clouds or options that `jets.emd.emd` refuses, and for a file of another matrix.
    Locked
        Another process computes this file.
    DiskError
        There is no room for the file, or no permission to write it.

    Examples
    --------
    >>> import numpy as np
    >>> jets = np.random.default_rng(0).random((4, 5, 3), np.float32)
    >>> pairwise(jets).shape
    (4, 4)
    """
    one = single_precision(x, "x")
    two = one if y is None else single_precision(y, "y")
    _check(one, two, p, R, normalise, tolerance, method)
    options = {"p": p, "R": R, "normalise": normalise, "tolerance": tolerance, "method": method}
    solve = _solver(one, two, options, threads or torch.get_num_threads())
    with _open(file, one, two, y is None, options) as matrix:
        for rows, columns, index in _blocks(len(one), len(two), y is None, matrix.done, progress):
            values = solve(rows, columns, y is None)
            matrix.write(rows, columns, values)
            if y is None:
                matrix.write(columns, rows, values.T)
            matrix.finished(index)
        return matrix.values()


def _check(x: torch.Tensor, y: torch.Tensor, p: int, R: float, normalise: bool, tolerance: float, method: str) -> None:
    from jets.emd.distance import METHODS

    check_arguments(x, y, p, R, tolerance, method, METHODS)
    if x.ndim != 3 or y.ndim != 3:
        raise CloudError(f"x and y have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected (N, n, 3) and (M, m, 3)")
    check_clouds(x, y, normalise)


def _solver(x: torch.Tensor, y: torch.Tensor, options: dict, threads: int) -> Callable[..., np.ndarray]:
    """Return the function from two slices to a block of distances; on a diagonal block it does the upper half."""
    from jets.emd import cpu
    from jets.emd.distance import emd

    def solve(rows: slice, columns: slice, symmetric: bool) -> np.ndarray:
        i, j = (grid.ravel() for grid in np.mgrid[rows, columns])
        keep = i < j if symmetric and rows == columns else slice(None)
        pairs = np.stack((i[keep], j[keep]), 1)
        if options["method"] == "fused" and not x.is_cuda:
            fused = {key: value for key, value in options.items() if key != "method"}
            found = cpu.run(x.numpy(), y.numpy(), pairs, threads=threads, **fused)[0][:, 0]
        else:
            with torch.no_grad():
                found = emd(x[pairs[:, 0]], y[pairs[:, 1]], **options).value.cpu().numpy()
        block = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        block[pairs[:, 0] - rows.start, pairs[:, 1] - columns.start] = found
        return block + block.T if symmetric and rows == columns else block

    return solve


def _blocks(
    rows: int, columns: int, symmetric: bool, done: np.ndarray, progress: bool
) -> Iterator[tuple[slice, slice, tuple[int, int]]]:
    """Yield the blocks that are not done, the upper half only of a symmetric matrix, behind a progress bar."""
    todo = [
        (i, j)
        for i in range(-(-rows // BLOCK))
        for j in range(i if symmetric else 0, -(-columns // BLOCK))
        if not done[i, j]
    ]
    parts = {
        (i, j): (slice(i * BLOCK, min(rows, (i + 1) * BLOCK)), slice(j * BLOCK, min(columns, (j + 1) * BLOCK)))
        for i, j in todo
    }
    sizes = {
        index: (one.stop - one.start) * (two.stop - two.start) // (2 if symmetric and one == two else 1)
        for index, (one, two) in parts.items()
    }
    with progress_bar(sum(sizes.values()), progress) as advance:
        for index, (one, two) in parts.items():
            yield one, two, index
            advance(sizes[index])


@contextlib.contextmanager
def progress_bar(total: int, progress: bool) -> Iterator[Callable[[int], None]]:
    """Show how many of so many pairs are done, where ``progress`` asks for it; give the function to advance by."""
    if not (progress and total):
        yield lambda count: None
        return
    with Progress(total, unit="pairs of jets") as shown:
        yield shown.advance


@contextlib.contextmanager
def _open(
    file: str | Path | None, x: torch.Tensor, y: torch.Tensor, symmetric: bool, options: dict
) -> Iterator[_InMemory | MatrixFile]:
    """Give the matrix and the table of done blocks, in memory or in the file."""
    shape, blocks = (len(x), len(y)), (-(-len(x) // BLOCK), -(-len(y) // BLOCK))
    if file is None:
        yield _InMemory(shape, blocks)
        return
    facts = options | {"identity": _identity(x, y, symmetric, options), "block": BLOCK}
    with opened(Path(file), shape, blocks, facts) as matrix:
        yield matrix


class _InMemory:
    """The matrix in memory, as :class:`jets.emd.matrix.MatrixFile` is in a file."""

    def __init__(self, shape: tuple[int, int], blocks: tuple[int, int]) -> None:
        self.matrix, self.done = np.zeros(shape, np.float32), np.zeros(blocks, bool)

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        self.matrix[rows, columns] = values

    def finished(self, block: tuple[int, int]) -> None:
        self.done[block] = True

    def values(self) -> np.ndarray:
        return self.matrix


def _identity(x: torch.Tensor, y: torch.Tensor, symmetric: bool, options: dict) -> str:
    import hashlib

    digest = hashlib.sha256(repr((sorted(options.items()), symmetric, BLOCK, x.shape, y.shape)).encode())
    for cloud in (x,) if symmetric else (x, y):
        digest.update(cloud.cpu().numpy().tobytes())
    return digest.hexdigest()
