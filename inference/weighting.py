"""Weights of jets in training: normalised over the jets of a part, and refused where those cancel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch.nn.modules.batchnorm import _BatchNorm

from inference.recipe import RecipeError
from jets.notes import LOG
from models import VAE

Index = NDArray[np.int64]
CALLED = {"train": "training"}
"""What parts are called in messages, where that is not their name."""


def normalised(weights: NDArray[np.float64], part: Index) -> NDArray[np.float32]:
    """Return the weights of all jets, ``(N,)``, divided by the mean of those of ``part``.

    >>> normalised(np.array([3.0, 1.0, 9.0]), np.array([0, 1]))
    array([1.5, 0.5, 4.5], dtype=float32)

    Raises
    ------
    RecipeError
        That mean is not positive.
    """
    total = weights[part].sum()
    if total <= 0:
        raise RecipeError(cancelled(len(part), total))
    return (weights / (total / len(part))).astype(np.float32)


def cancelled(count: int, total: float) -> str:
    """Say that the weights of so many jets cancel."""
    return (
        f"the weights of {count} jets sum to {total:.3g}: there is no mean over them; "
        "give more jets, or leave the weights out"
    )


def assert_no_part_cancels(sums: Mapping[str, float], counts: Mapping[str, Mapping[str, int]]) -> None:
    """Assert that the weights of each part, where it has jets, have a positive sum.

    Parameters
    ----------
    sums
        Part -> sum of its weights; empty where jets have none.
    counts
        Part -> class -> number of jets.

    Raises
    ------
    RecipeError
        They have not; the message names the part.
    """
    for part, total in sums.items():
        count = sum(counts[part].values())
        if count and total <= 0:
            raise RecipeError(f"{CALLED.get(part, part)} part: {cancelled(count, total)}")


def say_what_is_not_weighted(vae: VAE) -> None:
    """Say that batch normalisation takes each jet once, where a model has it: variances of signed weights are none."""
    if any(isinstance(module, _BatchNorm) for module in vae.modules()):
        LOG.warning("event weights count in the loss; batch normalisation counts each jet once")
