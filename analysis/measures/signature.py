"""Which shape a latent space has, from its string; and which latent spaces the shape of points does not contradict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

FACTOR = re.compile(r"([RSTGH])(\d+)(?::\d+)?(?:\(.*\))?")
PRESENT = 0.2
"""Least share of the points that have a dimension, lest it be that of an edge or of a crossing."""
HOLES = (("piece", "pieces"), ("loop", "loops"), ("cavity", "cavities"))
"""What is counted in each degree."""


class Signature(NamedTuple):
    """Dimension and Betti numbers of each manifold of a latent space; all of them have two sides."""

    dimensions: tuple[int, ...]
    betti: tuple[tuple[int, int, int], ...]


def signature(latent: str) -> Signature | None:
    """Return the signature of a latent string; None where a factor is no line, plane, sphere or torus.

    Betti numbers of a product are those of the product of Poincare polynomials (Kuenneth).

    >>> signature("S1 x R1 | T2")
    Signature(dimensions=(2, 2), betti=((1, 1, 0), (1, 2, 1)))
    >>> signature("R1 x D3")
    """
    dimensions, numbers = [], []
    for branch in latent.split("|"):
        size, polynomial = 0, np.ones(1, int)
        for factor in branch.split(" x "):
            if not (found := FACTOR.fullmatch(factor.strip())):
                return None
            letter, count = found[1], int(found[2])
            size += count
            polynomial = np.convolve(polynomial, poincare(letter, count))
        dimensions.append(size)
        numbers.append(tuple(int(n) for n in np.pad(polynomial, (0, 3))[:3]))
    return Signature(tuple(dimensions), tuple(numbers))  # type: ignore[arg-type]


def poincare(letter: str, count: int) -> Sequence[int]:
    """Return the Betti numbers of a factor, degree 0 first.

    >>> list(poincare("S", 2)), list(poincare("T", 2)), list(poincare("R", 3))
    ([1, 0, 1], [1, 2, 1], [1])
    """
    if letter == "S":
        return [1] + [0] * (count - 1) + [1]
    if letter == "T":
        return np.rint(np.poly1d([1, 1]) ** count).astype(int).tolist() if count else [1]
    return [1]


def compatible(found: xr.Dataset, latent: str) -> bool | None:
    """Return whether a latent space can have the shape of the points; None where that cannot be said.

    All dimensions of the space, and no others, are those of at least a fifth of the points each. Where holes were
    counted, they are those of its manifolds, which stand apart; manifolds of different dimension may also meet, more
    than once and so with further loops. Where they were not, only spaces of two dimensions less than the points' are
    excluded.
    """
    if (wanted := signature(latent)) is None:
        return None
    present = {int(d) for d in found["dimension"].values[np.asarray(found["share"]) >= PRESENT]}
    if not found.attrs["judged"]:
        return False if present and min(present) > max(wanted.dimensions) + 1 else None
    if present != set(wanted.dimensions) or not bool(found["orientable"]):
        return False
    excess = np.asarray(found["betti"]) - np.sum(wanted.betti, 0)
    meet = len(present) > 1 and excess[0] < 0
    return bool(excess[2] == 0 and (excess[1] >= 0 if meet else (excess[:2] == 0).all()))


def allowed(found: xr.Dataset | None, latents: Iterable[str]) -> list[str]:
    """Return the latent spaces that the shape of the points does not contradict; all where it is not known."""
    return [latent for latent in latents if found is None or compatible(found, latent) is not False]


def told(found: xr.Dataset) -> str:
    """Say what shape the points have."""
    dense = [str(d) for d in found["dimension"].values[np.asarray(found["share"]) >= PRESENT]]
    said = f"{' and '.join(dense) or 'no one'} {'dimension' if dense == ['1'] else 'dimensions'}"
    if not found.attrs["judged"]:
        return f"{said}, and are too sparse or of too many dimensions for holes to be counted"
    counts = zip(np.asarray(found["betti"], int), HOLES, strict=True)
    holes = ", ".join(f"{count} {one if count == 1 else many}" for count, (one, many) in counts)
    return f"{said}, {holes}{'' if bool(found['orientable']) else ', one side'}"
