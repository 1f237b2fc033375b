"""What the data decide of a recipe: of vectors the size of the model, of jets on disk what is read at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.disk_split import split_on_disk, window_for
from inference.recipe import Recipe, RecipeError
from jets.out_of_core.sample import DiskJets

if TYPE_CHECKING:
    from jets import Jets

FAR = 2.0
"""Vectors whose middle is further from zero than this many times their spread are centred for the networks."""
SPREADS = (1e-15, 1e15)
"""Spreads of vectors whose squares single precision holds."""
FINEST = 1e-6
"""Spread beside the largest entry below which single precision keeps hardly a digit of it."""


def completed(recipe: Recipe, jets: Jets | DiskJets) -> Recipe:
    """Fill in what the data decide: of vectors, how many numbers they hold, of what size, and about which middle.

    Of jets that stay on disk: how many are shuffled together, and which share of each class is kept.

    Raises
    ------
    RecipeError
        The likelihood does not describe these data, or single precision does not hold them, or all are alike.
    """
    if isinstance(jets, DiskJets):
        return streamed(recipe, jets)
    if not jets.are_vectors:
        return recipe
    if recipe.model.likelihood != "normal":
        raise RecipeError(f"{', '.join(jets.sources)}: vectors need [model] likelihood = 'normal'")
    if recipe.model.architecture != "dense":
        raise RecipeError(f"{', '.join(jets.sources)}: vectors need [model] architecture = 'dense'")
    try:
        size = size_of(jets.constituents)
    except ValueError as error:
        raise RecipeError(f"{', '.join(jets.sources) or 'vectors'}: {error}") from None
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=size)})


def streamed(recipe: Recipe, jets: DiskJets) -> Recipe:
    """Return a recipe for jets that stay on disk: split by keys, with a window that fits into the memory.

    Shares of the classes are written out: a part of the sample, on which the run is evaluated, has other numbers.

    Raises
    ------
    RecipeError
        The memory is too little; or as :func:`inference.splits.shares_of`.
    """
    data = recipe.data.model_copy(update={"split": "hashed"})
    sides = split_on_disk(jets, data, recipe.training.seed).train.sides
    shares = {name: share for name, share in zip(jets.classes, sides.shares, strict=True) if share < 1}
    data = data.model_copy(update={"fraction": shares, "limit": None, "mixture": {}})
    if data.window is None:
        data = data.model_copy(update={"window": window_for(jets, data, recipe.training.seed)})
    return recipe.model_copy(update={"data": data})


def size_of(vectors: NDArray[np.floating]) -> dict[str, Any]:
    """Return ``inputs``, ``scale`` and ``shift`` of a model of vectors ``(N, K)``.

    A column that is constant is no hindrance.

    Raises
    ------
    ValueError
        All are alike, or single precision does not hold them.
    """
    exact = vectors.astype(np.float64)
    middle, spread = exact.mean(0), float(np.sqrt(exact.var(0).mean()))
    largest = np.abs(exact).max()
    if spread == 0:
        raise ValueError("all points are alike; there is nothing to train on")
    if not SPREADS[0] <= spread <= SPREADS[1]:
        raise ValueError(f"the spread of the points is {spread:.3g}; multiply them, so that it is about 1")
    if spread < FINEST * largest:
        raise ValueError(
            f"the spread of the points, {spread:.3g}, is lost in single precision beside {largest:.3g}; "
            f"subtract their mean"
        )
    size: dict[str, Any] = {"inputs": vectors.shape[1], "scale": float(f"{vectors.std():.4g}"), "shift": None}
    if np.abs(middle).max() > FAR * spread:
        size |= {"scale": float(f"{spread:.4g}"), "shift": tuple(float(f"{place:.9g}") for place in middle)}
    return size
