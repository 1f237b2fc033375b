"""Samples of plain vectors: a toy by name, or a user's ``.npy`` array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jets import npy, toys
from jets.checks import numbers
from jets.dataset import Jets
from jets.errors import JetFileError

TOY = "toy:"


def names_vectors(source: str) -> bool:
    """Whether a source is one of vectors.

    >>> names_vectors("toy:circle"), names_vectors("points.npy"), names_vectors("sample:qcd")
    (True, True, False)
    """
    return source.startswith(TOY) or source.endswith(".npy")


def holds_particles(source: str) -> bool:
    """Whether an ``.npy`` file holds particles of jets ``(N, M, 3 or 4)`` rather than vectors ``(N, K)``."""
    try:
        return npy.mapped(source).ndim >= 3
    except (OSError, ValueError):  # also a name with a null in it, and the errors of a user's
        return False


def load_vectors(source: str) -> Jets:
    """Return the points of ``toy:NAME(...)`` (see :mod:`jets.toys`) or of an ``.npy`` file ``(N, K)``.

    Raises
    ------
    JetFileError
        No such toy or file, or an array that is not finite numbers ``(N, K)``.

    Examples
    --------
    >>> load_vectors("toy:torus(n=200)")
    Jets(200 torus; vectors of 3)
    """
    if source.startswith(TOY):
        return of_toy(source)
    path = Path(source)
    if not path.is_file():
        raise JetFileError(f"{source}: no such file")
    stored = npy.mapped(path)
    if stored.ndim != 2:
        raise JetFileError(f"{source}: has shape {stored.shape}; expected finite numbers (N, K)")
    values = np.array(numbers(stored, source))
    if is_one_hot(values):
        raise JetFileError(f"{source}: columns of labels, each row names one of {values.shape[1]} classes; no vectors")
    return Jets(values, np.zeros(len(values), np.int64), (path.stem,), sources=(source,))


def is_one_hot(values: np.ndarray) -> bool:
    """Whether each row ``(N, K)`` names one of K classes.

    >>> is_one_hot(np.eye(3)), is_one_hot(np.ones((3, 2)))
    (True, False)
    """
    some = np.asarray(values[:1000])
    return some.shape[1] > 1 and bool(((some == 0) | (some == 1)).all() and (some.sum(1) == 1).all())


def of_toy(source: str) -> Jets:
    """Return the toy ``toy:NAME(...)`` as a sample; its coordinates on the manifold are the truth.

    Raises
    ------
    JetFileError
        No such toy, or no such argument.
    """
    try:
        toy = toys.parse(source.removeprefix(TOY))
    except ValueError as error:
        raise JetFileError(f"{source}: {error}") from error
    truth = {name: values.astype(np.float32) for name, values in toy.truth.items()}
    return Jets(toy.points.astype(np.float32), toy.label, toy.classes, truth=truth, sources=(source,))
